package handler

import (
	"github.com/aws/aws-lambda-go/lambda/messages"

	"sendgrid-sso-integration/internal/delivery"
)

// TriggerDirect is an invocation with the request as its event, from the AWS CLI, Step
// Functions or an SDK. IAM decides who may invoke the function.
const TriggerDirect = "direct"

func direct() trigger {
	return trigger{
		name:       TriggerDirect,
		recognises: func(fields) bool { return true },
		decode: func(payload []byte) []*delivery.Delivery {
			return []*delivery.Delivery{{Caller: delivery.AWS, Body: payload, IsStatus: asksStatus(payload)}}
		},
		work:   (*Handler).perform,
		encode: encodeFunction, responds: true,
	}
}

// encodeFunction returns the result, or a function error whose type is the code.
func encodeFunction(_ *Handler, deliveries []*delivery.Delivery) ([]byte, error) {
	d := deliveries[0]
	if d.Failure != nil {
		return nil, functionError(d)
	}
	if d.IsStatus {
		return encode(d.Status), nil
	}
	return encode(d.Result), nil
}

// functionError is the failure of a delivery as an error of the function.
func functionError(d *delivery.Delivery) error {
	return messages.InvokeResponse_Error{Type: string(d.Failure.Code), Message: d.Failure.Public()}
}
