<!doctype html>
<title>Hello</title>
<p>Hello from the old site.</p>
