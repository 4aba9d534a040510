#!/usr/bin/perl
# The contract, with Perl's FCGI, on descriptor 0: one request after the other.
use strict;
use warnings;
use FCGI;

my $piece = join('', 'a' .. 'z') x 1000;
my %env;
my $request = FCGI::Request(\*STDIN, \*STDOUT, \*STDERR, \%env);

sub encoded {
    my ($text) = @_;
    $text =~ s/([^-_.0-9a-zA-Z])/sprintf '%%%02X', ord $1/ge;
    return $text;
}

sub head {
    my ($status, @fields) = @_;
    print "Status: $status OK\r\nContent-Type: text/plain\r\n", (map {"$_\r\n"} @fields), "\r\n";
}

sub answer {
    my ($body, $status, @fields) = @_;
    $status //= 200;
    head($status, @fields);
    print $body unless ($env{REQUEST_METHOD} // '') eq 'HEAD' || $status == 204 || $status == 304;
}

sub body {
    my $body = '';
    while (read(STDIN, my $data, 65536)) {
        $body .= $data;
    }
    return $body;
}

sub serve {
    my $path = $env{PATH_INFO} // '';
    if ($path eq '/hello') {
        answer('Hello, world!');
    } elsif ($path eq '/echo') {
        answer(body());
    } elsif ($path eq '/length') {
        answer(length body());
    } elsif ($path eq '/params') {
        answer(join '', map { encoded($_) . '=' . encoded($env{$_}) . "\n" } grep {/^T_/} keys %env);
    } elsif ($path =~ m{^/status/(\d+)$}) {
        my @fields = $1 >= 300 && $1 < 400 && $1 != 304 ? ('Location: /elsewhere') : ();
        answer("status $1\n", $1, @fields);
    } elsif ($path eq '/fields') {
        answer("fields\n", 200, 'Set-Cookie: a=1', 'Set-Cookie: b=2', 'X-Long: ' . 'x' x 4000);
    } elsif ($path =~ m{^/bytes/(\d+)$}) {
        my $left = $1;
        head(200, "Content-Length: $left");
        while ($left > 0) {
            print substr($piece, 0, $left) or last;
            $left -= length $piece;
        }
    } elsif ($path eq '/slow') {
        head(200);
        print "first\n";
        $request->Flush();
        select(undef, undef, undef, 0.6);
        print "last\n";
    } elsif ($path eq '/duplex') {
        head(200);
        print "first\n";
        $request->Flush();
        print length(body()), "\n";
    } elsif ($path eq '/stderr') {
        print STDERR "a message\n";
        answer("stderr\n");
    } elsif ($path eq '/wait') {
        sleep 3;
        answer('late');
    } elsif ($path =~ m{^/(headers|target|fail/)}) {
        answer('the library hands out params and streams', 501);
    } else {
        answer("not found\n", 404);
    }
}

while ($request->Accept() >= 0) {
    serve();
    $request->Finish();
}
