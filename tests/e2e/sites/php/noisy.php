<?php
for ($i = 0; $i < 100; $i++) {
    error_log(str_repeat('n', 1000));
}
echo "quiet\n";
