<?php
// Longer than the limit of the test.
sleep(40);
echo "too late\n";
