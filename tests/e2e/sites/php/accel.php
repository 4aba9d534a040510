<?php
// The web server is to send this file in the place of the answer.
header('X-Accel-Redirect: /docs/notes.txt');
echo "no accel\n";
