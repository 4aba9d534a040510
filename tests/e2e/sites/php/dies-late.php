<?php
echo str_repeat('x', 100);
ob_flush();
flush();
posix_kill(posix_getpid(), 9);
