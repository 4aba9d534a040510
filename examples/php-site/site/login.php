<?php
session_start();
if ($_SERVER['REQUEST_METHOD'] === 'POST') {
    // A real site checks a password here.
    session_regenerate_id(true);
    $_SESSION['user'] = $_POST['user'];
    header('Location: /account.php', true, 303);
    exit;
}
?>
<!doctype html>
<title>Log in</title>
<form method="post"><input name="user"><button>Log in</button></form>
