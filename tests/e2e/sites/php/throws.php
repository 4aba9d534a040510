<?php
throw new Exception('what happened');
