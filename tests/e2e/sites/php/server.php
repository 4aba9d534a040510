<?php
// What PHP was sent, without what is never the same twice.
foreach (['REQUEST_TIME', 'REQUEST_TIME_FLOAT', 'REMOTE_PORT'] as $name) {
    unset($_SERVER[$name]);
}
ksort($_SERVER);
header('Content-Type: application/json');
echo json_encode($_SERVER);
