package deploy

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
)

// mutation is one mistake in the template: the value at a path is set to JSON,
// or removed where the JSON is "". The rule that must catch it is named.
type mutation struct {
	path string // below Resources, unless it begins with a slash
	json string
	rule string
}

func mutations() []mutation {
	const (
		worker = "WorkerFunctionApplications/Properties/"
		http   = "HttpStage/Properties/"
		rules  = "Bucket/Properties/LifecycleConfiguration/Rules/"
		policy = "/Properties/PolicyDocument/Statement/"
		grants = "/Properties/Policies/0/PolicyDocument/Statement/"
	)
	return []mutation{
		// Queues and event sources.
		{"ApplicationsQueue/Properties/VisibilityTimeout", "60", "event source"},
		{"WorkerFunction/Properties/Timeout", "66", "event source"},
		{"ApplicationsQueue/Properties/VisibilityTimeout", "", "event source"},
		{"BulkFunctionBulk/Properties/MaximumBatchingWindowInSeconds", "60", "event source"},
		{worker + "MaximumBatchingWindowInSeconds", "0", "event source"},
		{worker + "MaximumBatchingWindowInSeconds", "301", "event source"},
		{worker + "BatchSize", "20000", "event source"},
		{"BulkFunctionBulk/Properties/BatchSize", "10", "event source"},
		{worker + "FunctionResponseTypes", "", "event source"},
		{"BulkFunctionBulk/Properties/FunctionResponseTypes", "[]", "event source"},
		{worker + "Enabled", "false", "event source"},
		{worker + "FilterCriteria", `{"Filters":[{"Pattern":"{}"}]}`, "event source"},
		{worker + "EventSourceArn", `{"Fn::GetAtt":["BulkQueue","Arn"]}`, "two queues"},
		{worker + "EventSourceArn", `{"Ref":"ApplicationsQueue"}`, "event source"},
		{worker + "ScalingConfig", "", "concurrency"},
		{"BulkFunction/Properties/ReservedConcurrentExecutions", "5", "concurrency"},
		{"MaintenanceFunction/Properties/ReservedConcurrentExecutions", "0", "concurrency"},
		{"ApplicationsQueue/Properties/RedrivePolicy/maxReceiveCount", "3", "dead letters"},
		{"BulkQueue/Properties/RedrivePolicy/maxReceiveCount", "10", "dead letters"}, // the function believes in 5
		{"BulkQueue/Properties/RedrivePolicy", "", "dead letters"},
		{"BulkQueue/Properties/RedrivePolicy/deadLetterTargetArn", `{"Ref":"BulkDeadLetters"}`, "dead letters"},
		{"BulkQueue/Properties/RedrivePolicy/deadLetterTargetArn", `{"Fn::GetAtt":["ApplicationsDeadLetters","Arn"]}`, "dead letters"},
		{"ApplicationsDeadLetters/Properties/MessageRetentionPeriod", "345600", "dead letters"},
		{"ApplicationsDeadLetters/Properties/MessageRetentionPeriod", "", "dead letters"},
		{"ApplicationsQueue/Properties/MessageRetentionPeriod", "3600", "dead letters"},
		{"ApplicationsQueue/Properties/MessageRetentionPeriod", "1209600", "dead letters"},
		{"BulkDeadLetters/Properties/RedriveAllowPolicy", `{"redrivePermission":"denyAll"}`, "dead letters"},
		{"BulkQueue/Properties/KmsMasterKeyId", `"alias/aws/sqs"`, "queue"},
		{"BulkQueue/Properties/KmsMasterKeyId", "", "queue"},
		{"ApplicationsDeadLetters/Properties/SqsManagedSseEnabled", "false", "queue"},
		{"BulkQueue/Properties/DelaySeconds", "900", "queue"},
		{"ApplicationsDeadLettersPolicy", "", "queue"},
		{"ApplicationsQueuePolicy" + policy + "0/Condition/Bool/aws:SecureTransport", `"true"`, "queue"},
		{"WorkerFunction/Properties/Environment/Variables/LOANSCORER_APPLICATIONS_QUEUE", `{"Ref":"BulkQueue"}`, "two queues"},

		// The bucket.
		{"Bucket/Properties/VersioningConfiguration/Status", `"Suspended"`, "bucket"},
		{"Bucket/Properties/PublicAccessBlockConfiguration/BlockPublicPolicy", "false", "bucket"},
		{"Bucket/Properties/PublicAccessBlockConfiguration", "", "bucket"},
		{"Bucket/Properties/OwnershipControls/Rules/0/ObjectOwnership", `"ObjectWriter"`, "bucket"},
		{"Bucket/Properties/AccessControl", `"PublicRead"`, "bucket"},
		{"Bucket/Properties/BucketEncryption", "", "bucket"},
		{"Bucket/Properties/BucketEncryption/ServerSideEncryptionConfiguration/0/Fn::If/1/BucketKeyEnabled", "false", "bucket"},
		{"Bucket/Properties/BucketEncryption/ServerSideEncryptionConfiguration/0/Fn::If/1/ServerSideEncryptionByDefault/KMSMasterKeyID", `"alias/aws/s3"`, "bucket"},
		{"Bucket/DeletionPolicy", `"Delete"`, "kept"},
		{"Key/DeletionPolicy", "", "kept"},
		{"IdSecret/UpdateReplacePolicy", "", "kept"},
		{"Bucket/DependsOn", "", "notification"},
		{"Bucket/Properties/NotificationConfiguration/QueueConfigurations/0/Event", `"s3:ObjectCreated:Put"`, "notification"},
		{"Bucket/Properties/NotificationConfiguration/QueueConfigurations/0/Event", `"s3:ObjectRemoved:*"`, "notification"},
		{"Bucket/Properties/NotificationConfiguration/QueueConfigurations/0/Filter", "", "notification"},
		{"Bucket/Properties/NotificationConfiguration/QueueConfigurations/0/Filter/S3Key/Rules/0/Value", `"results/"`, "loop"},
		{"Bucket/Properties/NotificationConfiguration/QueueConfigurations/0/Queue", `{"Fn::GetAtt":["ApplicationsQueue","Arn"]}`, "notification"},
		{"Bucket/Properties/NotificationConfiguration/EventBridgeConfiguration", `{"EventBridgeEnabled":true}`, "notification"},
		{"BulkQueuePolicy" + policy + "0", "", "notification"},
		{"BulkQueuePolicy" + policy + "0/Condition", "", "public"},
		{"BulkQueuePolicy" + policy + "0/Principal", `"*"`, "public"},
		{"BucketPolicy" + policy + "0", "", "bucket policy"},
		{"BucketPolicy" + policy + "0/Resource", `[{"Fn::GetAtt":["Bucket","Arn"]}]`, "bucket policy"},
		{"BucketPolicy" + policy + "0/Effect", `"Allow"`, "public"},
		{"BucketPolicy" + policy + "2/Condition/Null", `{"s3:if-none-match":"true"}`, "write once"},
		{"BucketPolicy" + policy + "2/Resource/4", "", "write once"},
		{rules + "0/ExpirationInDays", "7", "lifecycle"},
		{rules + "5/ExpirationInDays", "30", "lifecycle"},
		{rules + "5/Status", `"Disabled"`, "lifecycle"},
		{rules + "5/Prefix", `"result/"`, "lifecycle"},
		{rules + "0/Prefix", `""`, "lifecycle"},
		{rules + "7", "", "lifecycle"},
		{rules + "7/AbortIncompleteMultipartUpload/DaysAfterInitiation", "30", "lifecycle"},
		{rules + "6/NoncurrentVersionExpiration/NoncurrentDays", "1", "lifecycle"},
		{rules + "3/Transitions", `[{"StorageClass":"GLACIER","TransitionInDays":1}]`, "lifecycle"},
		{"/Parameters/AuditDays/Default", "365", "lifecycle"},

		// Roles, grants, keys.
		{"WorkerRole" + grants + "0/Action", `"s3:*"`, "grants"},
		{"WorkerRole" + grants + "1/Action", `["s3:GetObject","s3:PutObject","s3:AbortMultipartUpload","s3:DeleteObject"]`, "grants"},
		{"ApiRole" + grants + "1/Resource", `"*"`, "grants"},
		{"ApiRole" + grants + "1/Resource", `{"Fn::Sub":"${Bucket.Arn}/*"}`, "grants"},
		{"ApiRole/Properties/ManagedPolicyArns", `["arn:aws:iam::aws:policy/AmazonS3FullAccess"]`, "roles"},
		{"BulkFunction/Properties/Role", `{"Fn::GetAtt":["WorkerRole","Arn"]}`, "roles"},
		{"ApiRole/Properties/AssumeRolePolicyDocument/Statement/0/Principal", `{"AWS":"*"}`, "roles"},
		{"DirectRole/Properties/AssumeRolePolicyDocument/Statement/0/Condition", "", "roles"},
		{"WorkerRole" + grants + "0", "", "needs"},
		{"BulkRole" + grants + "1/Action", `["s3:GetObject"]`, "needs"},
		{"BulkRole" + grants + "2/Resource/5", `{"Fn::Sub":"${Bucket.Arn}/uploads/*"}`, "loop"},
		{"BulkRole" + grants + "2/Resource/2", "", "needs"},
		{"MaintenanceRole" + grants + "3", "", "needs"},
		{"WorkerRole" + grants + "2/Action", `["sqs:ReceiveMessage","sqs:GetQueueAttributes"]`, "needs"},
		{"WorkerRole" + grants + "3", "", "key for roles"},
		{"ApiRole" + grants + "4/Action", `"kms:Decrypt"`, "key for roles"},
		{"DirectRole" + grants + "1", "", "key for roles"},
		{"WorkerRole" + grants + "3/Resource", `"*"`, "grants"},
		{"ApiRole" + grants + "1/Resource/3", "", "needs"},
		{"MaintenanceRole" + grants + "1/Resource/1", "", "needs"},
		{"ApiRole" + grants + "2/Resource", `[{"Fn::Sub":"${Bucket.Arn}/idempotency/*"},{"Fn::Sub":"${Bucket.Arn}/results/*"}]`, "least"},
		{"ApiRole" + grants + "3/Action", `["sqs:SendMessage","sqs:GetQueueAttributes","sqs:DeleteMessage"]`, "least"},
		{"ApiRole" + grants + "3/Resource", `[{"Fn::GetAtt":["ApplicationsQueue","Arn"]},{"Fn::GetAtt":["BulkQueue","Arn"]}]`, "least"},
		{"WorkerRole" + grants + "1/Resource/4", `{"Fn::Sub":"${Bucket.Arn}/batches/*"}`, "least"},
		{"WorkerFunction/Properties/KmsKeyArn", "", "key for roles"},
		{"Key/Properties/KeyPolicy/Statement/1", "", "key for services"},
		{"Key/Properties/KeyPolicy/Statement/1/Action", `"kms:Decrypt"`, "key for services"},
		{"Key/Properties/KeyPolicy/Statement/1/Condition", "", "public"},
		{"Key/Properties/KeyPolicy/Statement/2", "", "key for services"},
		{"Key/Properties/KeyPolicy/Statement/3/Condition", "", "public"},
		{"Key/Properties/KeyPolicy/Statement/0/Principal", `{"AWS":"*"}`, "public"},
		{"Key/Properties/KeyPolicy/Statement/0", "", "key"},
		{"Key/Properties/EnableKeyRotation", "false", "key"},
		{"HttpPermission/Properties/SourceArn", "", "invoke"},
		{"HttpPermission/Properties/Principal", `"*"`, "invoke"},
		{"IdSecret/Properties/GenerateSecretString/PasswordLength", "32", "secret"},
		{"IdSecret/Properties/SecretString", `"hunter2"`, "secret"},

		// Functions.
		{"WorkerFunction/Properties/Environment/Variables/LOANSCORER_ID_SECRET", `"0123"`, "environment"},
		{"ApiFunction/Properties/Environment/Variables/LOANSCORER_ROLE", `"worker"`, "parts"},
		{"ApiFunction/Properties/Environment/Variables/LOANSCORER_APPLICATIONS_QUEUE", `{"Fn::GetAtt":["ApplicationsQueue","Arn"]}`, "environment"},
		{"WorkerFunction/Properties/Environment/Variables/LOANSCORER_LEASE", `"15s"`, "environment"},
		{"WorkerFunction/Properties/Environment/Variables/LOANSCORER_MAX_RECEIVES", `"3"`, "dead letters"},
		{"ApiFunction/Properties/Environment/Variables/LOANSCORER_ANONYMOUS", `"true"`, "environment"},
		{"ApiFunction/Properties/Timeout", "60", "functions"},
		{"ApiFunction/Properties/LoggingConfig", "", "functions"},
		{"BulkFunction/Properties/LoggingConfig/LogFormat", `"Text"`, "functions"},
		{"BulkFunction/Properties/Runtime", `"python3.12"`, "functions"},
		{"ApiLogs/Properties/RetentionInDays", "", "logs"},
		{"AccessLogs/Properties/KmsKeyId", "", "logs"},
		{"MaintenanceFunctionSweep", "", "references"},
		{"MaintenanceFunctionSweep/Properties/ScheduleExpression", `"rate(1 day)"`, "schedule"},
		{"MaintenanceFunctionSweep/Properties/State", `"DISABLED"`, "schedule"},

		{"MaintenanceFunctionCompact/Properties/Targets/0/Input", `"{\"task\":\"dance\"}"`, "schedule"},
		{"MaintenanceFunctionOrphansPermission/Properties/SourceArn", `{"Fn::GetAtt":["MaintenanceFunctionSweep","Arn"]}`, "schedule"},

		// The HTTP API and the direct intake.
		{"HttpRoute/Properties/AuthorizationType", `"NONE"`, "callers"},
		{"JwtAuthorizer/Properties/JwtConfiguration/Audience", "[]", "callers"},
		{"HttpApi/Properties/CorsConfiguration", `{"AllowOrigins":["*"]}`, "callers"},
		{"Domain/Properties/DomainNameConfigurations/0/SecurityPolicy", `"TLS_1_0"`, "callers"},
		{"HttpApi/Properties/Target", `{"Fn::GetAtt":["ApiFunction","Arn"]}`, "callers"},
		{"DirectMethod/Properties/AuthorizationType", `"NONE"`, "callers"},
		{http + "DefaultRouteSettings", "", "stages"},
		{http + "AccessLogSettings", "", "stages"},
		{http + "AccessLogSettings/Format", `"{\"id\":\"$context.requestId\",\"path\":\"$context.path\"}"`, "stages"},
		{"DirectStage/Properties/MethodSettings/0/DataTraceEnabled", "true", "stages"},
		{"HttpIntegration/Properties/PayloadFormatVersion", `"1.0"`, "integration"},
		{"HttpIntegration/Properties/IntegrationUri", `{"Fn::GetAtt":["WorkerFunction","Arn"]}`, "integration"},
		{"DirectValidator/Properties/ValidateRequestBody", "false", "direct intake"},
		{"DirectMethod/Properties/Integration/PassthroughBehavior", `"WHEN_NO_MATCH"`, "direct intake"},
		{"DirectMethod/Properties/Integration/IntegrationResponses/1/SelectionPattern", "", "direct intake"},
		{"DirectMethod/Properties/Integration/IntegrationResponses/0/StatusCode", `"202"`, "direct intake"},
		{"DirectMethod/Properties/RequestModels", "", "direct intake"},
		{"DirectModel/Properties/Schema/additionalProperties", "true", "template"}, // without a new deployment

		// Alarms.
		{"ApplicationsAgeAlarm", "", "watched"},
		{"BulkAgeAlarm/Properties/Threshold", "172800", "watched"},
		{"BulkAgeAlarm/Properties/Statistic", `"Minimum"`, "watched"},
		{"BulkDeadLettersAlarm/Properties/Threshold", "100", "watched"},
		{"ApplicationsDeadLettersAlarm/Properties/Dimensions/0/Value", `{"Fn::GetAtt":["ApplicationsQueue","QueueName"]}`, "watched"},
		{"ApplicationsDeadLettersAlarm/Properties/ComparisonOperator", `"LessThanThreshold"`, "watched"},
		{"FunctionErrorsAlarm/Properties/Metrics/0/Expression", `"FILL(api, 0)"`, "watched"},
		{"FunctionThrottlesAlarm", "", "watched"},
		{"ApplicationsAgeAlarm/Properties/Dimensions/0/Name", `"Queue"`, "alarms"},
		{"ApplicationsAgeAlarm/Properties/Period", "86400", "alarms"},
		{"FunctionErrorsAlarm/Properties/Metrics/1/MetricStat/Period", "86400", "alarms"},
		{"Http5xxAlarm/Properties/AlarmActions", "[]", "alarms"},
		{"Http5xxAlarm/Properties/AlarmDescription", `"Something is wrong"`, "alarms"},
		{"UnfinishedBatchesAlarm", "", "watched"},
		{"MaintenanceSilentAlarm/Properties/TreatMissingData", `"missing"`, "watched"},
		{"WorkerErrorLines", "", "metric filters"},
		{"UnfinishedBatchesMetric/Properties/LogGroupName", `{"Ref":"ApiLogs"}`, "metric filters"},
		{"AlarmTopic/Properties/KmsMasterKeyId", `"alias/aws/sns"`, "topic"},
		{"AlarmTopicPolicy" + policy + "0/Condition", "", "public"},
		{"AlarmTopicPolicy" + policy + "1", "", "topic"},
		{"AlarmSubscription", "", "topic"},
		{"Dashboard", "", "references"},

		// The whole.
		{"BulkQueue/DependsOn", `"Bucket"`, "circles"},
		{"Bucket/Properties/Tags", "null", "template"},
		{"/Parameters/LogDays/Description", "", "template"},
		{"/Outputs/ApiUrl", "", "outputs"},
		{"/Outputs/BucketName/Value", `{"Fn::Sub":"{{resolve:secretsmanager:${IdSecret}:SecretString}}"}`, "references"},
	}
}

// TestMutations makes each mistake alone and wants its rule to see it.
// failures 25, 26, 35, 67, 77
func TestMutations(t *testing.T) {
	t.Parallel()
	original, err := json.Marshal(loadTemplate(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(mutations()) < 24 {
		t.Errorf("%d mutations, want at least 24", len(mutations()))
	}
	for _, m := range mutations() {
		t.Run(m.rule+" "+m.path+" "+m.json, func(t *testing.T) {
			t.Parallel()
			template, err := parseTemplate(original)
			if err != nil {
				t.Fatal(err)
			}
			path := "Resources/" + m.path
			if whole, ok := strings.CutPrefix(m.path, "/"); ok {
				path = whole
			}
			mutate(t, template, strings.Split(path, "/"), m.json)
			found := check(template)
			for _, problem := range found {
				if strings.HasPrefix(problem, m.rule+": ") {
					return
				}
			}
			t.Errorf("rule %q does not see it; found: %q", m.rule, found)
		})
	}
}

// mutate sets or removes what is at a path, and returns what stands in v's place.
func mutate(t *testing.T, v any, path []string, text string) any {
	t.Helper()
	var value any
	if text != "" {
		if err := json.Unmarshal([]byte(text), &value); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	last := len(path) == 1
	switch v := v.(type) {
	case doc:
		switch _, there := v[path[0]]; {
		case !last:
			v[path[0]] = mutate(t, v[path[0]], path[1:], text)
		case text == "" && !there:
			t.Fatalf("nothing at %s to remove", path[0])
		case text == "":
			delete(v, path[0])
		default:
			v[path[0]] = value
		}
		return v
	case []any:
		i, err := strconv.Atoi(path[0])
		if err != nil || i >= len(v) && (!last || i > len(v)) {
			t.Fatalf("no item %s of %d", path[0], len(v))
		}
		switch {
		case !last:
			v[i] = mutate(t, v[i], path[1:], text)
		case text == "":
			return append(v[:i], v[i+1:]...)
		case i == len(v):
			return append(v, value)
		default:
			v[i] = value
		}
		return v
	default:
		t.Fatalf("nothing at %s", path[0])
		return nil
	}
}
