<?php
// The caller's own token, in the head and in the body.
$token = $_POST['token'] ?? '';
header('X-Token: ' . $token);
usleep((int) ($_POST['pause'] ?? 0));
echo str_repeat($token . "\n", 2000);
