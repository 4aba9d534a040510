'use strict';
// What to change when a check fails: for each check and web server, where a setting belongs, and the setting itself.
// "any" counts where the web server has no entry of its own. {mount} is where the page was opened.

const anywhere = text => ({ any: ['in the configuration of the web server', text] });

const SETTINGS = {
  mount: {
    any: ['in your program, as a setting of serve(..) or in configure of run(..); or as the environment variable FCGI_SCRIPT_NAME={mount}', '.script_name("{mount}")'],
  },
  site: {
    nginx: ['in the location, after the include', 'fastcgi_param HTTP_HOST $http_host;'],
    caddy: ['in reverse_proxy, remove', 'header_up Host'],
    ...anywhere('pass the field Host on as it came; a proxy in front has to do so, too'),
  },
  scheme: {
    nginx: ['in the location, after the include, if all clients come over HTTPS', 'fastcgi_param HTTPS on;'],
    'apache-fcgid': ['in .htaccess, if a proxy in front ends TLS and sets that field for every request', 'SetEnvIf X-Forwarded-Proto https HTTPS=on'],
    'apache-cgi': ['in .htaccess, if a proxy in front ends TLS and sets that field for every request', 'SetEnvIf X-Forwarded-Proto https HTTPS=on'],
    'apache-proxy': ['in the virtual host, if a proxy in front ends TLS and sets that field for every request', 'SetEnvIf X-Forwarded-Proto https HTTPS=on'],
    caddy: ['in transport fastcgi, if all clients come over HTTPS', 'env HTTPS on'],
    lighttpd: ['in lighttpd.conf, with mod_setenv, if all clients come over HTTPS', 'setenv.set-environment = ( "HTTPS" => "on" )'],
    ...anywhere('send the parameter HTTPS=on if all clients come over HTTPS'),
  },
  token: {
    any: ['move the program and its token to a folder that is not served, such as app/ in the home directory, or remove the rule that serves', '*.token'],
  },
  slash: {
    'apache-fcgid': ['in the virtual host; only the host can', 'AllowEncodedSlashes On'],
    'apache-cgi': ['in the virtual host; only the host can', 'AllowEncodedSlashes On'],
    'apache-proxy': ['in the virtual host', 'AllowEncodedSlashes NoDecode'],
    nginx: ['in your program, if nginx rewrites the path; else remove the rule that refuses %2F', '.script_name("{mount}")'],
    ...anywhere('remove the rule that refuses or decodes %2F'),
  },
  doubled: anywhere('remove the rule that redirects or refuses //'),
  utf8: anywhere('remove the rule that refuses bytes above %7F'),
  query: {
    nginx: ['in the location, after the include', 'fastcgi_param QUERY_STRING $query_string;'],
    'apache-fcgid': ['in .htaccess', 'RewriteRule ^.* index.fcgi/$0 [B=%?#,QSA,END]'],
    'apache-cgi': ['in .htaccess', 'RewriteRule ^.* index.cgi/$0 [B=%?#,QSA,END]'],
    ...anywhere('remove the rule that drops the query'),
  },
  methods: {
    nginx: ['in the location, remove', 'limit_except'],
    any: ['in the configuration of the web server, remove the rule for', 'PUT, PATCH, DELETE, OPTIONS'],
  },
  head: anywhere('remove the rule that refuses HEAD'),
  authorization: {
    'apache-fcgid': ['in .htaccess', 'CGIPassAuth On'],
    'apache-cgi': ['in .htaccess', 'CGIPassAuth On'],
    'apache-proxy': ['in the virtual host', 'ProxyFCGISetEnvIf "true" HTTP_AUTHORIZATION "%{req:Authorization}"'],
    nginx: ['in the location, after the include', 'fastcgi_param HTTP_AUTHORIZATION $http_authorization;'],
    ...anywhere('remove the rule that drops the field Authorization'),
  },
  cookies: {
    nginx: ['in the location, remove', 'fastcgi_hide_header Set-Cookie;'],
    caddy: ['in reverse_proxy, remove', 'header_down -Set-Cookie'],
    ...anywhere('remove the rule that drops the fields Cookie or Set-Cookie'),
  },
  header: {
    nginx: ['in the http block', 'large_client_header_buffers 4 16k;'],
    lighttpd: ['in lighttpd.conf', 'server.max-request-field-size = 65536'],
    'apache-fcgid': ['in the virtual host; only the host can', 'LimitRequestFieldSize 8190'],
    'apache-proxy': ['in the virtual host', 'LimitRequestFieldSize 8190'],
    ...anywhere('allow header fields of 8 KiB'),
  },
  answer: {
    nginx: ['in the location', 'fastcgi_buffer_size 16k;\nfastcgi_buffers 8 16k;'],
    ...anywhere('allow response headers of 8 KiB'),
  },
  upload1: {
    'apache-fcgid': ['in the server configuration; only the host can', 'FcgidMaxRequestLen 104857600'],
    nginx: ['in the server block', 'client_max_body_size 100m;'],
    lighttpd: ['in lighttpd.conf, in KiB', 'server.max-request-size = 102400'],
    ...anywhere('allow bodies of 100 MiB'),
  },
  streaming: {
    nginx: ['in the location', 'fastcgi_buffering off;'],
    'apache-fcgid': ['in the server configuration; only the host can', 'FcgidOutputBufferSize 0'],
    'apache-proxy': ['in the line with ProxyPass', 'flushpackets=on'],
    lighttpd: ['in lighttpd.conf', 'server.stream-response-body = 2'],
    caddy: ['in reverse_proxy', 'flush_interval -1'],
    ...anywhere('pass pieces of a response on as they come'),
  },
  events: {
    nginx: ['in the location', 'fastcgi_read_timeout 1h;'],
    'apache-fcgid': ['in the server configuration; only the host can', 'FcgidIOTimeout 3600'],
    'apache-proxy': ['in the virtual host', 'ProxyTimeout 3600'],
    caddy: ['in transport fastcgi', 'read_timeout 1h'],
    haproxy: ['in the backend', 'timeout server 1h'],
    ...anywhere('allow pauses of an hour in a response'),
  },
  early: {
    nginx: ['in the location', 'fastcgi_intercept_errors off;'],
    ...anywhere('pass answers on that come before the end of an upload'),
  },
  missing: {
    nginx: ['in the location', 'fastcgi_intercept_errors off;'],
    caddy: ['in reverse_proxy, remove', 'handle_response'],
    lighttpd: ['in lighttpd.conf', 'server.error-intercept = "disable"'],
    'apache-proxy': ['in the virtual host', 'ProxyErrorOverride Off'],
    ...anywhere('remove the rule that puts a page in place of the application’s own 404'),
  },
  broken: {
    nginx: ['in the location', 'fastcgi_intercept_errors off;'],
    caddy: ['in reverse_proxy, remove', 'handle_response'],
    lighttpd: ['in lighttpd.conf', 'server.error-intercept = "disable"'],
    'apache-proxy': ['in the virtual host', 'ProxyErrorOverride Off'],
    ...anywhere('remove the rule that puts a page in place of the application’s own 500'),
  },
  redirect: {
    caddy: ['in reverse_proxy, remove', 'header_down Location'],
    ...anywhere('remove the rule that changes the field Location'),
  },
  internal: {
    nginx: ['in the location, in front of all fastcgi_param', 'include fastcgi_params;'],
    ...anywhere('send SCRIPT_NAME and PATH_INFO of the page that is meant'),
  },
  // HTTPS is claimed where there is none.
  claimed: anywhere('remove the parameter HTTPS, or the rule that sets it'),
  ignored: {
    nginx: ['in the location, remove', 'fastcgi_ignore_headers X-Accel-Redirect;'],
  },
  keep: {
    nginx: ['in the location; and keepalive 8; in the upstream', 'fastcgi_keep_conn on;'],
    'apache-proxy': ['in the line with ProxyPass', 'enablereuse=on'],
  },
  parallel: {
    'apache-fcgid': ['in the server configuration; only the host can', 'FcgidMaxProcessesPerClass 8'],
    any: ['with your process manager', 'start more than one process, or a multi-threaded runtime'],
  },
  restart: {
    any: ['with your process manager: whatever starts the program has to start it again when it ends, such as a systemd unit with', 'Restart=always'],
  },
};
SETTINGS.upload10 = SETTINGS.upload1;
SETTINGS.upload100 = SETTINGS.upload1;

// Where the setting belongs, and the setting; undefined where there is none.
function settingFor(check, server, mount) {
  const known = SETTINGS[check] || {};
  const found = known[server] || known.any;
  return found && { where: found[0].replaceAll('{mount}', mount), text: found[1].replaceAll('{mount}', mount) };
}
