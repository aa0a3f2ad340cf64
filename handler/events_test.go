package handler_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/aws/aws-lambda-go/events"
)

// httpCall is an HTTP request, of which each gateway makes an event of its own.
type httpCall struct {
	// method is POST if empty.
	method string
	// path is that of the signed route if empty.
	path string
	// header has the content type application/json if it is nil.
	header http.Header
	body   string
	base64 bool
	// unknown says that the gateway did not check who is calling.
	unknown bool
}

func (r httpCall) complete() httpCall {
	if r.method == "" {
		r.method = http.MethodPost
	}
	if r.path == "" {
		r.path = signedRoute
	}
	if r.header == nil {
		r.header = http.Header{"content-type": {"application/json"}}
	}
	if r.base64 {
		r.body = base64.StdEncoding.EncodeToString([]byte(r.body))
	}
	return r
}

// joined returns the headers as payload version 2.0 has them.
func (r httpCall) joined() map[string]string {
	joined := map[string]string{}
	for name, values := range r.header {
		joined[name] = strings.Join(values, ",")
	}
	return joined
}

// last returns the headers as payload version 1.0 has them beside multiValueHeaders.
func (r httpCall) last() map[string]string {
	last := map[string]string{}
	for name, values := range r.header {
		last[name] = values[len(values)-1]
	}
	return last
}

const callerARN = "arn:aws:iam::123456789012:user/ticketing"

// gateways make an event of a request. They use the types of aws-lambda-go, so whatever
// passes through them shows that this project's smaller types agree with those.
var gateways = map[string]func(httpCall) []byte{
	"HTTP API": func(r httpCall) []byte {
		r = r.complete()
		event := events.APIGatewayV2HTTPRequest{
			Version: "2.0", RouteKey: r.method + " " + r.path, RawPath: r.path,
			Headers: r.joined(), Body: r.body, IsBase64Encoded: r.base64,
		}
		event.RequestContext.HTTP.Method, event.RequestContext.HTTP.Path = r.method, r.path
		event.RequestContext.RequestID = "JKJaXmPLvHcESHA="
		if !r.unknown {
			event.RequestContext.Authorizer = &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{
				IAM: &events.APIGatewayV2HTTPRequestContextAuthorizerIAMDescription{UserARN: callerARN},
			}
		}
		return mustEncode(event)
	},
	"REST API": func(r httpCall) []byte {
		r = r.complete()
		event := events.APIGatewayProxyRequest{
			Resource: r.path, Path: r.path, HTTPMethod: r.method,
			Headers: r.last(), MultiValueHeaders: r.header, Body: r.body, IsBase64Encoded: r.base64,
		}
		event.RequestContext.HTTPMethod = r.method
		if !r.unknown {
			event.RequestContext.Identity.UserArn = callerARN
		}
		return mustEncode(event)
	},
}

// functions make an event of a request that comes without HTTP.
var functions = map[string]func(request string) []byte{
	"EventBridge": func(request string) []byte {
		return []byte(`{"version":"0","id":"1","detail-type":"IdP Application Created","source":"com.example.idp","detail":` + request + `}`)
	},
	"direct": func(request string) []byte { return []byte(request) },
}

// mustEncode encodes an event of aws-lambda-go.
func mustEncode(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return data
}
