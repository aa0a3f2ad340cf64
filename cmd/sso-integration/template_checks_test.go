package main_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	main "sendgrid-sso-integration/cmd/sso-integration"
	"sendgrid-sso-integration/internal/publish"
)

func referenceProblems(_ *testing.T, tpl template) (problems []string) {
	exists := func(path, name string, sections ...string) {
		for _, section := range sections {
			if at(tpl, section, name) != nil {
				return
			}
		}
		if !strings.HasPrefix(name, "AWS::") {
			problems = append(problems, fmt.Sprintf("%s: %s does not exist", path, name))
		}
	}
	walk(tpl, "", func(path string, o map[string]any) {
		if name, ok := o["Ref"].(string); ok {
			exists(path, name, "Parameters", "Resources")
		}
		if name, ok := o["Fn::GetAtt"].(string); ok {
			id, _, _ := strings.Cut(name, ".")
			exists(path, id, "Resources")
		}
		if name, ok := o["Condition"].(string); ok {
			exists(path, name, "Conditions")
		}
		if choice, ok := o["Fn::If"].([]any); ok {
			exists(path, fmt.Sprint(choice[0]), "Conditions")
		}
		body, variables := substitution(o["Fn::Sub"])
		for _, match := range placeholder.FindAllStringSubmatch(body, -1) {
			id, _, attribute := strings.Cut(match[1], ".")
			switch {
			case variables[match[1]] != nil, strings.HasPrefix(id, "!"):
			case attribute:
				exists(path, id, "Resources")
			default:
				exists(path, id, "Parameters", "Resources")
			}
		}
	})
	return problems
}

func parameterProblems(_ *testing.T, tpl template) (problems []string) {
	face := at(tpl, "Metadata", "AWS::CloudFormation::Interface")
	var grouped []any
	for _, group := range items(at(face, "ParameterGroups")) {
		grouped = append(grouped, items(at(group, "Parameters"))...)
	}
	for _, name := range slices.Sorted(maps.Keys(object(tpl["Parameters"]))) {
		if !slices.Contains(grouped, any(name)) {
			problems = append(problems, name+" is in no group")
		}
		if at(face, "ParameterLabels", name) == nil {
			problems = append(problems, name+" has no label")
		}
	}
	for _, level := range items(at(tpl, "Parameters", "LogLevel", "AllowedValues")) {
		if level != "DEBUG" && level != "INFO" {
			problems = append(problems, fmt.Sprintf("the log level %s drops the metrics, which Lambda takes for INFO", level))
		}
	}
	return problems
}

func environmentProblems(t *testing.T, tpl template) (problems []string) {
	t.Helper()
	read := main.EnvironmentNames()
	require.NotEmpty(t, read)
	for _, service := range []string{secretsmanager.ServiceID, dynamodb.ServiceID, eventbridge.ServiceID} {
		read = append(read, "AWS_ENDPOINT_URL_"+strings.ReplaceAll(strings.ToUpper(service), " ", "_"))
	}
	tpl.each("AWS::Serverless::Function", func(_ string, function map[string]any) {
		declared := object(at(function, "Environment", "Variables"))
		for _, name := range slices.Sorted(maps.Keys(declared)) {
			if !slices.Contains(read, name) {
				problems = append(problems, name+" is declared, but not read")
			}
		}
		for _, name := range read {
			if _, ok := declared[name]; !ok {
				problems = append(problems, name+" is read, but not declared")
			}
		}
	})
	return problems
}

// TestEnvironmentIsReadInOnePlace makes sure that no variable escapes the check above.
func TestEnvironmentIsReadInOnePlace(t *testing.T) {
	t.Parallel()
	readers := regexp.MustCompile(`\bos\.(?:Getenv|LookupEnv|Environ|ExpandEnv)\b|\bgetenv\("`)
	places := map[string]int{}
	for _, root := range []string{".", "../../handler", "../../internal", "../../sendgrid"} {
		require.NoError(t, filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") && filepath.Base(filepath.Dir(path)) != "dynalite" {
				if n := len(readers.FindAll(read(t, path), -1)); n > 0 {
					places[path] = n
				}
			}
			return err
		}))
	}
	require.Equal(t, 1, places["main.go"], "it hands os.Getenv to readConfig")
	delete(places, "main.go")
	require.Equal(t, []string{"config.go"}, slices.Collect(maps.Keys(places)))
}

func roleProblems(_ *testing.T, tpl template) (problems []string) {
	published := false
	tpl.each("AWS::IAM::Role", func(id string, role map[string]any) {
		for _, policy := range items(role["Policies"]) {
			for _, statement := range items(at(policy, "PolicyDocument", "Statement")) {
				where := fmt.Sprint(id, ", ", at(statement, "Sid"))
				mayBeAnywhere := true
				for _, action := range items(at(statement, "Action")) {
					if strings.Contains(text(action), "*") {
						problems = append(problems, fmt.Sprintf("%s: the action %s", where, action))
					}
					mayBeAnywhere = mayBeAnywhere && strings.HasPrefix(text(action), "xray:")
					if action == "events:PutEvents" {
						published = text(at(statement, "Condition", "ForAllValues:StringEquals", "events:source")) == publish.Source &&
							at(statement, "Condition", "Null", "events:source") == "false"
					}
				}
				for _, resource := range items(at(statement, "Resource")) {
					if strings.Contains(text(resource), "*") && !mayBeAnywhere {
						problems = append(problems, fmt.Sprintf("%s: the resource %s", where, text(resource)))
					}
				}
			}
		}
	})
	if !published {
		problems = append(problems, "PublishTheResults: not confined to the source "+publish.Source)
	}
	return problems
}

func timeProblems(t *testing.T, tpl template) (problems []string) {
	t.Helper()
	number := func(v any) int {
		n, ok := v.(int)
		require.True(t, ok, "%v is a number", v)
		return n
	}
	wrong := func(is bool, problem string) {
		if is {
			problems = append(problems, problem)
		}
	}
	timeout := 0
	tpl.each("AWS::Serverless::Function", func(_ string, function map[string]any) {
		timeout = number(function["Timeout"])
	})
	wrong(timeout >= 30, "API Gateway does not wait for the function")
	tpl.each("AWS::SQS::Queue", func(id string, queue map[string]any) {
		target, ok := at(queue, "RedrivePolicy", "deadLetterTargetArn", "Fn::GetAtt").(string)
		if !ok {
			return
		}
		wrong(number(queue["VisibilityTimeout"]) < 6*timeout, id+": the visibility timeout is less than six times the function's")
		deadLetters := at(tpl, "Resources", strings.TrimSuffix(target, ".Arn"), "Properties", "MessageRetentionPeriod")
		wrong(number(deadLetters) <= number(queue["MessageRetentionPeriod"]), id+": dead letters are lost before anyone can look")
	})
	near := timeout * 1000 * 9 / 10
	tpl.each("AWS::CloudWatch::Alarm", func(id string, alarm map[string]any) {
		wrong(alarm["MetricName"] == "Duration" && number(alarm["Threshold"]) != near, id+": that is not 90 % of the timeout")
	})
	for _, w := range readWidgets(t, tpl) {
		for _, line := range w.Properties.Annotations.Horizontal {
			wrong(line.Value != near && line.Value != timeout*1000, fmt.Sprint("the graph says ", line.Value))
		}
	}
	return problems
}

// loopProblems looks at the two ways in which the template keeps the function's own events
// from becoming requests: their source is refused as a parameter, and the pattern of the
// rule asks for events without something that all of them have.
func loopProblems(t *testing.T, tpl template) (problems []string) {
	t.Helper()
	sources := object(at(tpl, "Parameters", "IdpEventSources"))
	refusal := regexp.MustCompile(`^\^\(\?!(.*?\$)\)`).FindStringSubmatch(text(sources["AllowedPattern"]))
	if refusal == nil || !regexp.MustCompile("^"+refusal[1]).MatchString(publish.Source) {
		problems = append(problems, "IdpEventSources accepts "+publish.Source)
	}
	samples, err := filepath.Glob("../../events/results/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, samples)
	excluded := 0
	tpl.each("AWS::Events::Rule", func(_ string, rule map[string]any) {
		if rule["Targets"] == nil {
			return
		}
		walk(at(rule, "EventPattern", "detail"), "", func(path string, o map[string]any) {
			for name, values := range o {
				if list, ok := values.([]any); !ok || at(list[0], "exists") != false {
					continue
				}
				member := strings.Split(path+"/"+name, "/")[1:]
				for _, file := range samples {
					var event map[string]any
					require.NoError(t, json.Unmarshal(read(t, file), &event))
					if event["source"] != publish.Source {
						continue // That is the schema.
					}
					excluded++
					if at(event["detail"], member...) == nil {
						problems = append(problems, fmt.Sprintf("%s has no %s", file, strings.Join(member, ".")))
					}
				}
			}
		})
	})
	if excluded == 0 {
		problems = append(problems, "nothing in the pattern excludes the function's own events")
	}
	return problems
}

func routeProblems(t *testing.T, tpl template) []string {
	t.Helper()
	var document yaml.Node
	require.NoError(t, yaml.Unmarshal(read(t, "../../openapi.yaml"), &document))
	documented := map[string]bool{}
	for path, methods := range object(at(plain(&document), "paths")) {
		for method := range object(methods) {
			documented[method+" "+path] = true
		}
	}
	require.NotEmpty(t, documented)
	tpl.each("AWS::Serverless::Function", func(_ string, function map[string]any) {
		for _, event := range object(function["Events"]) {
			if at(event, "Type") != "HttpApi" {
				continue
			}
			route := strings.ToLower(text(at(event, "Properties", "Method"))) + " " + text(at(event, "Properties", "Path"))
			if documented[route] {
				delete(documented, route)
			} else {
				documented[route+" is not documented"] = true
			}
		}
	})
	return slices.Sorted(maps.Keys(documented))
}

func localProblems(t *testing.T, tpl template) (problems []string) {
	t.Helper()
	makefile := read(t, "../../Makefile")
	var local map[string]map[string]string
	readJSON(t, "../../events/local.env.json", &local)
	tpl.each("AWS::Serverless::Function", func(id string, function map[string]any) {
		if method := at(tpl, "Resources", id, "Metadata", "BuildMethod"); method != "makefile" {
			problems = append(problems, fmt.Sprintf("%s is built by %v", id, method))
		}
		if !regexp.MustCompile(`(?m)^build-` + id + `:`).Match(makefile) {
			problems = append(problems, "the Makefile has no target build-"+id)
		}
		for name := range local[id] {
			if _, ok := at(function, "Environment", "Variables").(map[string]any)[name]; !ok {
				problems = append(problems, "sam local drops "+name)
			}
		}
		delete(local, id)
	})
	for id := range local {
		problems = append(problems, "there is no function "+id)
	}
	return problems
}
