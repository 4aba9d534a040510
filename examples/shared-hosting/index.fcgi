#!/bin/sh
# mod_fcgid starts this file; descriptor 0 is the socket on which to listen.
exec /home/you/app/shared-hosting
