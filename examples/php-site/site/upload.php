<?php
if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
    exit("<!doctype html>\n<title>Upload</title>\n<form method=\"post\" enctype=\"multipart/form-data\">"
        . "<input type=\"file\" name=\"file\"><button>Upload</button></form>\n");
}
$file = $_FILES['file'];
// As many sites do: the name is what the client says, so it may end in .php.
$name = basename($file['name']);
header('Content-Type: text/plain; charset=UTF-8');
echo $name, ' ', $file['size'], ' ', hash_file('sha256', $file['tmp_name']), "\n";
move_uploaded_file($file['tmp_name'], __DIR__ . '/uploads/' . $name);
