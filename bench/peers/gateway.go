// The same job in Go: net in, net/http out. Usage: PORT UPSTREAM CONNECTIONS
//
// Written as its users write it: a goroutine per request, text replies in request order, JSON-RPC replies as they complete.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

type request struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
}

type problem struct {
	Code    int               `json:"code"`
	Message string            `json:"message"`
	Data    map[string]string `json:"data"`
}

type reply struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Result  any             `json:"result,omitempty"`
	Error   *problem        `json:"error,omitempty"`
}

type gateway struct {
	client   *http.Client
	upstream string
}

func (g *gateway) fetch(path []string, query url.Values) (any, error) {
	target := g.upstream + "/" + strings.Join(path, "/")
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	response, err := g.client.Get(target)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", response.StatusCode)
	}
	var value any
	err = json.Unmarshal(body, &value)
	return value, err
}

func (g *gateway) answerText(line string) []byte {
	var path []string
	query := url.Values{}
	for _, word := range strings.Fields(line) {
		if key, value, named := strings.Cut(word, "="); named {
			query.Set(key, value)
		} else {
			path = append(path, word)
		}
	}
	value, err := g.fetch(path, query)
	if err != nil {
		text, _ := json.Marshal(map[string]string{"message": err.Error()})
		return append(append([]byte("ERR upstream_error "), text...), '\n')
	}
	text, _ := json.Marshal(value)
	return append(append([]byte("OK "), text...), '\n')
}

func (g *gateway) answerJSONRPC(line []byte) []byte {
	var r request
	if err := json.Unmarshal(line, &r); err != nil {
		return []byte(`{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}` + "\n")
	}
	path, query := []string{r.Method}, url.Values{}
	var positional []string
	var named map[string]string
	if json.Unmarshal(r.Params, &positional) == nil {
		path = append(path, positional...)
	} else if json.Unmarshal(r.Params, &named) == nil {
		for key, value := range named {
			if key == "id" {
				path = append(path, value)
			} else {
				query.Set(key, value)
			}
		}
	}
	out := reply{Version: "2.0", ID: r.ID}
	value, err := g.fetch(path, query)
	if err != nil {
		out.Error = &problem{-32000, err.Error(), map[string]string{"symbol": "upstream_error"}}
	} else {
		out.Result = value
	}
	text, _ := json.Marshal(out)
	return append(text, '\n')
}

// Text replies in order, several of them in one write when they are ready together.
func sendInOrder(replies chan chan []byte, out *bufio.Writer, lock *sync.Mutex) {
	for next := range replies {
		line := <-next
		lock.Lock()
		out.Write(line)
		if len(replies) == 0 {
			out.Flush()
		}
		lock.Unlock()
	}
}

func (g *gateway) serve(connection net.Conn) {
	defer connection.Close()
	var lock sync.Mutex
	in, out := bufio.NewScanner(connection), bufio.NewWriter(connection)
	replies := make(chan chan []byte, 64)
	defer close(replies)
	go sendInOrder(replies, out, &lock)
	for in.Scan() {
		if line := in.Bytes(); len(line) > 0 && line[0] == '{' {
			copied := append([]byte(nil), line...)
			go func() {
				text := g.answerJSONRPC(copied)
				lock.Lock()
				out.Write(text)
				out.Flush()
				lock.Unlock()
			}()
			continue
		}
		line, next := in.Text(), make(chan []byte, 1)
		replies <- next
		go func() { next <- g.answerText(line) }()
	}
}

func main() {
	connections, _ := strconv.Atoi(os.Args[3])
	transport := &http.Transport{MaxConnsPerHost: connections, MaxIdleConnsPerHost: connections, MaxIdleConns: connections}
	g := &gateway{&http.Client{Transport: transport, Timeout: 30 * time.Second}, os.Args[2]}
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		panic(err)
	}
	for {
		connection, err := listener.Accept()
		if err != nil {
			panic(err)
		}
		go g.serve(connection)
	}
}
