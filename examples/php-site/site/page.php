<?php
// A query, or a form.
$name = $_POST['name'] ?? $_GET['name'] ?? 'nobody';
?>
<!doctype html>
<title>A page</title>
<p><?= $_SERVER['REQUEST_METHOD'] ?> from <?= htmlspecialchars($name) ?>

