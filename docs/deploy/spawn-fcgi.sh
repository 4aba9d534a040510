#!/bin/sh
# Three processes share one socket: a free one takes the next connection.
# With -u, -g, -U and -G spawn-fcgi, started by root, changes the user of the processes and of the socket.
exec spawn-fcgi -s /run/app/app.sock -M 0660 -F 3 -P /run/app/app.pid -- /srv/app/app
