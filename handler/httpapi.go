package handler

import (
	"cmp"
	"encoding/json"
	"net/http"

	"sendgrid-sso-integration/internal/delivery"
)

// TriggerHTTPAPI is an API Gateway HTTP API or a Function URL.
const TriggerHTTPAPI = "http-api"

func httpAPI() trigger {
	return trigger{name: TriggerHTTPAPI, recognises: isHTTPAPI, decode: decodeHTTPAPI, work: (*Handler).perform, encode: encodeHTTP, responds: true}
}

func isHTTPAPI(event fields) bool {
	return string(event["version"]) == `"2.0"` && fieldsOf(event["requestContext"]).has("http")
}

// httpAPIEvent has the fields that are read of an event of payload version 2.0. The authorizer
// context stays raw, because only its presence counts.
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
type httpAPIEvent struct {
	RawPath         string            `json:"rawPath"`
	Headers         map[string]string `json:"headers"`
	Body            string            `json:"body"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
	RequestContext  struct {
		RequestID string `json:"requestId"`
		HTTP      struct {
			Method string `json:"method"`
			Path   string `json:"path"`
		} `json:"http"`
		Authorizer struct {
			IAM    json.RawMessage `json:"iam"`
			JWT    json.RawMessage `json:"jwt"`
			Lambda json.RawMessage `json:"lambda"`
		} `json:"authorizer"`
	} `json:"requestContext"`
}

func decodeHTTPAPI(payload []byte) []*delivery.Delivery {
	var event httpAPIEvent
	if err := json.Unmarshal(payload, &event); err != nil {
		return []*delivery.Delivery{{Failure: malformed(err)}}
	}
	header := http.Header{}
	for name, value := range event.Headers {
		header.Add(name, value)
	}
	authorizer := event.RequestContext.Authorizer
	var iam struct {
		UserARN string `json:"userArn"`
	}
	var jwt struct {
		Claims struct {
			Subject string `json:"sub"`
		} `json:"claims"`
	}
	_ = json.Unmarshal(authorizer.IAM, &iam) // Another form names nobody.
	_ = json.Unmarshal(authorizer.JWT, &jwt)
	return []*delivery.Delivery{httpRequest{
		id:            event.RequestContext.RequestID,
		method:        event.RequestContext.HTTP.Method,
		path:          cmp.Or(event.RequestContext.HTTP.Path, event.RawPath),
		header:        header,
		body:          event.Body,
		base64:        event.IsBase64Encoded,
		callerID:      cmp.Or(iam.UserARN, jwt.Claims.Subject),
		authenticated: hasIdentity(authorizer.IAM) || hasIdentity(authorizer.JWT) || hasIdentity(authorizer.Lambda),
	}.delivery()}
}
