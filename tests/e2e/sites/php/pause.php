<?php
// Begins an answer, and stops in the middle for longer than the limit of the test.
echo str_repeat('x', 100);
ob_flush();
flush();
sleep(40);
echo "too late\n";
