// The contract, with Go's net/http/fcgi, on descriptor 0.
package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/fcgi"
	"strconv"
	"strings"
	"time"
)

var piece = []byte(strings.Repeat("abcdefghijklmnopqrstuvwxyz", 1000))

func plain(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/plain")
}

func encoded(text string) string {
	const letters = "_-.0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if strings.IndexByte(letters, text[i]) >= 0 {
			b.WriteByte(text[i])
		} else {
			fmt.Fprintf(&b, "%%%02X", text[i])
		}
	}
	return b.String()
}

func status(w http.ResponseWriter, r *http.Request) {
	status, _ := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/status/"))
	plain(w)
	if status >= 300 && status < 400 && status != 304 {
		w.Header().Set("Location", "/elsewhere")
	}
	w.WriteHeader(status)
	fmt.Fprintf(w, "status %d\n", status)
}

func bytes(w http.ResponseWriter, r *http.Request) {
	left, _ := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/bytes/"))
	plain(w)
	w.Header().Set("Content-Length", strconv.Itoa(left))
	for left > 0 {
		n := len(piece)
		if left < n {
			n = left
		}
		if _, err := w.Write(piece[:n]); err != nil {
			return
		}
		left -= n
	}
}

func target(w http.ResponseWriter, r *http.Request) {
	plain(w)
	if !strings.HasPrefix(r.URL.Path, "/target") {
		w.WriteHeader(http.StatusNotFound)
	}
	// net/http/fcgi knows no script name.
	fmt.Fprintf(w, "method=%s\nscript=\npath=%s\nquery=%s\n", r.Method, r.URL.EscapedPath(), r.URL.RawQuery)
}

func main() {
	mux := http.NewServeMux()
	mux.HandleFunc("/hello", func(w http.ResponseWriter, r *http.Request) {
		plain(w)
		io.WriteString(w, "Hello, world!")
	})
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, "the body is short", http.StatusBadRequest)
			return
		}
		plain(w)
		w.Write(body)
	})
	mux.HandleFunc("/length", func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil {
			http.Error(w, "the body is short", http.StatusBadRequest)
			return
		}
		plain(w)
		fmt.Fprint(w, n)
	})
	mux.HandleFunc("/params", func(w http.ResponseWriter, r *http.Request) {
		plain(w)
		for name, value := range fcgi.ProcessEnv(r) {
			if strings.HasPrefix(name, "T_") {
				fmt.Fprintf(w, "%s=%s\n", encoded(name), encoded(value))
			}
		}
	})
	mux.HandleFunc("/headers", func(w http.ResponseWriter, r *http.Request) {
		plain(w)
		for name, values := range r.Header {
			for _, value := range values {
				fmt.Fprintf(w, "%s: %s\n", name, value)
			}
		}
		// net/http keeps the length elsewhere.
		if r.ContentLength > 0 {
			fmt.Fprintf(w, "content-length: %d\n", r.ContentLength)
		}
	})
	mux.HandleFunc("/status/", status)
	mux.HandleFunc("/fields", func(w http.ResponseWriter, r *http.Request) {
		plain(w)
		w.Header().Add("Set-Cookie", "a=1")
		w.Header().Add("Set-Cookie", "b=2")
		w.Header().Set("X-Long", strings.Repeat("x", 4000))
		w.Header().Set("Connection", "close")
		io.WriteString(w, "fields\n")
	})
	mux.HandleFunc("/bytes/", bytes)
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		plain(w)
		io.WriteString(w, "first\n")
		w.(http.Flusher).Flush()
		time.Sleep(600 * time.Millisecond)
		io.WriteString(w, "last\n")
	})
	mux.HandleFunc("/duplex", func(w http.ResponseWriter, r *http.Request) {
		plain(w)
		io.WriteString(w, "first\n")
		w.(http.Flusher).Flush()
		n, _ := io.Copy(io.Discard, r.Body)
		fmt.Fprintf(w, "%d\n", n)
	})
	mux.HandleFunc("/fail/before", func(w http.ResponseWriter, r *http.Request) {
		panic("it fails, as it was asked to")
	})
	mux.HandleFunc("/fail/after", func(w http.ResponseWriter, r *http.Request) {
		plain(w)
		w.Header().Set("Content-Length", "1000")
		io.WriteString(w, strings.Repeat("x", 100))
		w.(http.Flusher).Flush()
		panic("it fails, as it was asked to")
	})
	mux.HandleFunc("/fail/surplus", func(w http.ResponseWriter, r *http.Request) {
		plain(w)
		w.Header().Set("Content-Length", "5")
		io.WriteString(w, "1234567890")
	})
	mux.HandleFunc("/stderr", func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "net/http/fcgi has no STDERR", http.StatusNotImplemented)
	})
	mux.HandleFunc("/wait", func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(3 * time.Second):
		case <-r.Context().Done():
		}
		plain(w)
		io.WriteString(w, "late")
	})
	mux.HandleFunc("/", target)
	log.Fatal(fcgi.Serve(nil, mux))
}
