<?php
session_start();
if (!isset($_SESSION['user'])) {
    header('Location: /login.php');
    exit;
}
?>
<!doctype html>
<title>Your account</title>
<p>You are <?= htmlspecialchars($_SESSION['user']) ?>.
<form method="post" action="/logout.php"><button>Log out</button></form>
