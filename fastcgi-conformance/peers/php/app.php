<?php
// The contract, with PHP under php-fpm.
$path = explode('?', $_SERVER['REQUEST_URI'] ?? '')[0];
header('Content-Type: text/plain');

function encoded($text) {
    return preg_replace_callback('/[^-_.0-9a-zA-Z]/', fn($it) => sprintf('%%%02X', ord($it[0])), $text);
}

function body() {
    return file_get_contents('php://input');
}

/** So that the first part leaves now. */
function now() {
    while (ob_get_level() > 0)
        ob_end_flush();
    flush();
}

if (str_starts_with($path, '/status/')) {
    $status = (int)substr($path, 8);
    http_response_code($status);
    if ($status >= 300 && $status < 400 && $status != 304)
        header('Location: /elsewhere', true, $status);
    if ($status != 204 && $status != 304)
        echo "status $status\n";
    exit;
}
if (str_starts_with($path, '/bytes/')) {
    $left = (int)substr($path, 7);
    header("Content-Length: $left");
    $piece = str_repeat('abcdefghijklmnopqrstuvwxyz', 1000);
    for (; $left > 0; $left -= strlen($piece))
        echo $left >= strlen($piece) ? $piece : substr($piece, 0, $left);
    exit;
}
switch ($path) {
case '/hello':
    echo 'Hello, world!';
    break;
case '/echo':
    echo body();
    break;
case '/length':
    echo strlen(body());
    break;
case '/params':
    foreach ($_SERVER as $name => $value)
        if (str_starts_with($name, 'T_'))
            echo encoded($name), '=', encoded($value), "\n";
    break;
case '/headers':
    foreach (getallheaders() as $name => $value)
        echo "$name: $value\n";
    break;
case '/fields':
    header('Set-Cookie: a=1', false);
    header('Set-Cookie: b=2', false);
    header('X-Long: ' . str_repeat('x', 4000));
    echo "fields\n";
    break;
case '/slow':
    echo "first\n";
    now();
    usleep(600000);
    echo "last\n";
    break;
case '/duplex':
    echo "first\n";
    now();
    echo strlen(body()), "\n";
    break;
case '/fail/before':
    throw new Exception('it fails, as it was asked to');
case '/fail/after':
    header('Content-Length: 1000');
    echo str_repeat('x', 100);
    now();
    throw new Exception('it fails, as it was asked to');
case '/stderr':
    error_log('a message');
    echo "stderr\n";
    break;
case '/wait':
    sleep(3);
    echo 'late';
    break;
case '/target':
case '/fail/surplus':
    http_response_code(501);
    echo 'PHP hands out params';
    break;
default:
    http_response_code(404);
    echo "not found\n";
}
