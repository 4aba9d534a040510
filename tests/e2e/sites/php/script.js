// A script for browsers.
