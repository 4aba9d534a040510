<?php
// Longer than the limit of the test.
sleep(20);
echo "too late\n";
