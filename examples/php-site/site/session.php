<?php
// For pages that have moved: whose session this is. It makes none.
header('Content-Type: text/plain; charset=UTF-8');
if (isset($_COOKIE[session_name()])) {
    session_start(['read_and_close' => true]);
    echo $_SESSION['user'] ?? '';
}
