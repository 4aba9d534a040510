#!/bin/sh
@MOUNTED@
exec @TWIN@
