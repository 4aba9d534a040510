<?php
// The answer is complete, and the script goes on.
echo "answered\n";
fastcgi_finish_request();
echo "not to be seen\n";
sleep(2);
file_put_contents(session_save_path() . '/finished', 'done');
