<?php
setcookie('visits', (string) (1 + (int) ($_COOKIE['visits'] ?? 0)), ['path' => '/', 'samesite' => 'Lax']);
setcookie('theme', 'dark; not light', ['path' => '/', 'httponly' => true]);
header('Content-Type: application/json');
echo json_encode($_COOKIE), "\n";
