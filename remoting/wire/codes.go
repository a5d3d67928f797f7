package wire

// RequestCode numbers a request, as RocketMQ's RequestCode does.
type RequestCode int32

// The request codes of Apache RocketMQ 4.9.8 to 5.5.0.
const (
	SendMessage                    RequestCode = 10
	PullMessage                    RequestCode = 11
	QueryMessage                   RequestCode = 12
	QueryBrokerOffset              RequestCode = 13
	QueryConsumerOffset            RequestCode = 14
	UpdateConsumerOffset           RequestCode = 15
	UpdateAndCreateTopic           RequestCode = 17
	UpdateAndCreateTopicList       RequestCode = 18
	GetAllTopicConfig              RequestCode = 21
	GetTopicConfigList             RequestCode = 22
	GetTopicNameList               RequestCode = 23
	UpdateBrokerConfig             RequestCode = 25
	GetBrokerConfig                RequestCode = 26
	TriggerDeleteFiles             RequestCode = 27
	GetBrokerRuntimeInfo           RequestCode = 28
	SearchOffsetByTimestamp        RequestCode = 29
	GetMaxOffset                   RequestCode = 30
	GetMinOffset                   RequestCode = 31
	GetEarliestMsgStoreTime        RequestCode = 32
	ViewMessageByID                RequestCode = 33
	HeartBeat                      RequestCode = 34
	UnregisterClient               RequestCode = 35
	ConsumerSendMsgBack            RequestCode = 36
	EndTransaction                 RequestCode = 37
	GetConsumerListByGroup         RequestCode = 38
	CheckTransactionState          RequestCode = 39
	NotifyConsumerIDsChanged       RequestCode = 40
	LockBatchMQ                    RequestCode = 41
	UnlockBatchMQ                  RequestCode = 42
	GetAllConsumerOffset           RequestCode = 43
	GetAllDelayOffset              RequestCode = 45
	CheckClientConfig              RequestCode = 46
	GetClientConfig                RequestCode = 47
	UpdateAndCreateACLConfig       RequestCode = 50
	DeleteACLConfig                RequestCode = 51
	GetBrokerClusterACLInfo        RequestCode = 52
	UpdateGlobalWhiteAddrsConfig   RequestCode = 53
	GetBrokerClusterACLConfig      RequestCode = 54
	GetTimerCheckPoint             RequestCode = 60
	GetTimerMetrics                RequestCode = 61
	PutKVConfig                    RequestCode = 100
	GetKVConfig                    RequestCode = 101
	DeleteKVConfig                 RequestCode = 102
	RegisterBroker                 RequestCode = 103
	UnregisterBroker               RequestCode = 104
	GetRouteInfoByTopic            RequestCode = 105
	GetBrokerClusterInfo           RequestCode = 106
	UpdateAndCreateGroup           RequestCode = 200
	GetAllGroupConfig              RequestCode = 201
	GetTopicStatsInfo              RequestCode = 202
	GetConsumerConnectionList      RequestCode = 203
	GetProducerConnectionList      RequestCode = 204
	WipeWritePermOfBroker          RequestCode = 205
	GetAllTopicListFromNameServer  RequestCode = 206
	DeleteGroup                    RequestCode = 207
	GetConsumeStats                RequestCode = 208
	SuspendConsumer                RequestCode = 209
	ResumeConsumer                 RequestCode = 210
	ResetConsumerOffsetInConsumer  RequestCode = 211
	ResetConsumerOffsetInBroker    RequestCode = 212
	AdjustConsumerThreadPool       RequestCode = 213
	WhoConsumeTheMessage           RequestCode = 214
	DeleteTopicInBroker            RequestCode = 215
	DeleteTopicInNameServer        RequestCode = 216
	RegisterTopicInNameServer      RequestCode = 217
	GetKVListByNamespace           RequestCode = 219
	ResetConsumerClientOffset      RequestCode = 220
	GetConsumerStatusFromClient    RequestCode = 221
	InvokeBrokerToResetOffset      RequestCode = 222
	InvokeBrokerToGetConsumeStatus RequestCode = 223
	GetTopicsByCluster             RequestCode = 224
	UpdateAndCreateGroupList       RequestCode = 225
	QueryTopicConsumeByWho         RequestCode = 300
	RegisterFilterServer           RequestCode = 301
	RegisterMessageFilterClass     RequestCode = 302
	QueryConsumeTimeSpan           RequestCode = 303
	GetSystemTopicListFromNS       RequestCode = 304
	GetSystemTopicListFromBroker   RequestCode = 305
	CleanExpiredConsumeQueue       RequestCode = 306
	GetConsumerRunningInfo         RequestCode = 307
	QueryCorrectionOffset          RequestCode = 308
	ConsumeMessageDirectly         RequestCode = 309
	SendMessageV2                  RequestCode = 310
	GetUnitTopicList               RequestCode = 311
	GetHasUnitSubTopicList         RequestCode = 312
	GetHasUnitSubUnunitTopicList   RequestCode = 313
	CloneGroupOffset               RequestCode = 314
	ViewBrokerStatsData            RequestCode = 315
	CleanUnusedTopic               RequestCode = 316
	GetBrokerConsumeStats          RequestCode = 317
	UpdateNameServerConfig         RequestCode = 318
	GetNameServerConfig            RequestCode = 319
	SendBatchMessage               RequestCode = 320
	QueryConsumeQueue              RequestCode = 321
	QueryDataVersion               RequestCode = 322
	ResumeCheckHalfMessage         RequestCode = 323
	SendReplyMessage               RequestCode = 324
	SendReplyMessageV2             RequestCode = 325
	PushReplyMessageToClient       RequestCode = 326
	AddWritePermOfBroker           RequestCode = 327
	GetAllProducerInfo             RequestCode = 328
	DeleteExpiredCommitLog         RequestCode = 329
	QueryTopicsByConsumer          RequestCode = 343
	QuerySubscriptionByConsumer    RequestCode = 345
	GetTopicConfig                 RequestCode = 351
	GetGroupConfig                 RequestCode = 352
	UpdateAndGetGroupForbidden     RequestCode = 353
	CheckRocksDBCQWriteProgress    RequestCode = 354
	ExportRocksDBConfigToJSON      RequestCode = 355
	LitePullMessage                RequestCode = 361
	RecallMessage                  RequestCode = 370
	QueryAssignment                RequestCode = 400
	SetMessageRequestMode          RequestCode = 401
	GetAllMessageRequestMode       RequestCode = 402
	UpdateAndCreateStaticTopic     RequestCode = 513
	GetBrokerMemberGroup           RequestCode = 901
	AddBroker                      RequestCode = 902
	RemoveBroker                   RequestCode = 903
	BrokerHeartbeat                RequestCode = 904
	NotifyMinBrokerIDChange        RequestCode = 905
	ExchangeBrokerHAInfo           RequestCode = 906
	GetBrokerHAStatus              RequestCode = 907
	ResetMasterFlushOffset         RequestCode = 908
	ControllerAlterSyncStateSet    RequestCode = 1001
	ControllerElectMaster          RequestCode = 1002
	ControllerRegisterBroker       RequestCode = 1003
	ControllerGetReplicaInfo       RequestCode = 1004
	ControllerGetMetadataInfo      RequestCode = 1005
	ControllerGetSyncStateData     RequestCode = 1006
	GetBrokerEpochCache            RequestCode = 1007
	NotifyBrokerRoleChanged        RequestCode = 1008
	UpdateControllerConfig         RequestCode = 1009
	GetControllerConfig            RequestCode = 1010
	CleanBrokerData                RequestCode = 1011
	ControllerGetNextBrokerID      RequestCode = 1012
	ControllerApplyBrokerID        RequestCode = 1013
	BrokerCloseChannelRequest      RequestCode = 1014
	CheckNotActiveBrokerRequest    RequestCode = 1015
	GetBrokerLiveInfoRequest       RequestCode = 1016
	GetSyncStateDataRequest        RequestCode = 1017
	RaftBrokerHeartBeatEvent       RequestCode = 1018
	UpdateColdDataFlowCtrConfig    RequestCode = 2001
	RemoveColdDataFlowCtrConfig    RequestCode = 2002
	GetColdDataFlowCtrInfo         RequestCode = 2003
	SetCommitLogReadMode           RequestCode = 2004
	AuthCreateUser                 RequestCode = 3001
	AuthUpdateUser                 RequestCode = 3002
	AuthDeleteUser                 RequestCode = 3003
	AuthGetUser                    RequestCode = 3004
	AuthListUser                   RequestCode = 3005
	AuthCreateACL                  RequestCode = 3006
	AuthUpdateACL                  RequestCode = 3007
	AuthDeleteACL                  RequestCode = 3008
	AuthGetACL                     RequestCode = 3009
	AuthListACL                    RequestCode = 3010
	SwitchTimerEngine              RequestCode = 5001
	DeleteTopicInBrokerList        RequestCode = 5002
	DeleteGroupList                RequestCode = 5003
	PopMessage                     RequestCode = 200050
	AckMessage                     RequestCode = 200051
	PeekMessage                    RequestCode = 200052
	ChangeMessageInvisibleTime     RequestCode = 200053
	Notification                   RequestCode = 200054
	PollingInfo                    RequestCode = 200055
	PopRollback                    RequestCode = 200056
	PopLiteMessage                 RequestCode = 200070
	LiteSubscriptionCtl            RequestCode = 200071
	AckLiteMessage                 RequestCode = 200072
	NotifyUnsubscribeLite          RequestCode = 200073
	GetBrokerLiteInfo              RequestCode = 200074
	GetParentTopicInfo             RequestCode = 200075
	GetLiteTopicInfo               RequestCode = 200076
	GetLiteClientInfo              RequestCode = 200077
	GetLiteGroupInfo               RequestCode = 200078
	TriggerLiteDispatch            RequestCode = 200079
	BatchAckMessage                RequestCode = 200151
)

// Canonical undoes the truncation of codes above 65535 to the 16 bits of the
// binary header; for a while upstream had the truncated numbers in the source.
func (c RequestCode) Canonical() RequestCode {
	const truncated = 200000 - 3<<16 // 3392: 200050 arrives as 3442
	switch low := c - truncated; {
	case low >= 50 && low <= 56, low >= 70 && low <= 79, low == 151:
		return 200000 + low
	}
	return c
}

// ResponseCode numbers how a request ended.
type ResponseCode int32

// The response codes that the server gives.
const (
	Success                   ResponseCode = 0
	SystemError               ResponseCode = 1
	SystemBusy                ResponseCode = 2
	RequestCodeNotSupported   ResponseCode = 3
	FlushDiskTimeout          ResponseCode = 10
	MessageIllegal            ResponseCode = 13
	ServiceNotAvailable       ResponseCode = 14
	NoPermission              ResponseCode = 16
	TopicNotExist             ResponseCode = 17
	PullNotFound              ResponseCode = 19
	PullRetryImmediately      ResponseCode = 20
	PullOffsetMoved           ResponseCode = 21
	QueryNotFound             ResponseCode = 22
	SubscriptionParseFailed   ResponseCode = 23
	SubscriptionGroupNotExist ResponseCode = 26
	InvalidParameter          ResponseCode = 29
	ConsumerNotOnline         ResponseCode = 206
	ConsumeMessageTimeout     ResponseCode = 207
	IllegalOperation          ResponseCode = 604
	GoAway                    ResponseCode = 1500
)

// Versions of clients, as ordinals of RocketMQ's MQVersion.
const (
	// VersionSpoken is what the server says it is: 5.3.3.
	VersionSpoken = 479
	// VersionMaxReconsumeTimes is 3.4.9: from there on consumers say how often they retry.
	VersionMaxReconsumeTimes = 121
	// VersionBusyRetried is 5.3.0: from there on producers retry SystemBusy.
	VersionBusyRetried = 473
	// VersionGoAway is 5.3.1: newer clients understand GoAway.
	VersionGoAway = 475
)

// Language is a client's language, as its ordinal in RocketMQ's LanguageCode.
type Language uint8

// The languages that are told apart.
const (
	Java   Language = 0
	CPP    Language = 1
	Python Language = 3
	Other  Language = 7
	Go     Language = 9
)

var languages = [...]string{
	"JAVA", "CPP", "DOTNET", "PYTHON", "DELPHI", "ERLANG", "RUBY", "OTHER",
	"HTTP", "GO", "PHP", "OMS", "RUST", "NODE_JS",
}

func (l Language) String() string {
	if int(l) < len(languages) {
		return languages[l]
	}
	return languages[Other]
}

func parseLanguage(name []byte) Language {
	for i, l := range languages {
		if string(name) == l {
			return Language(i)
		}
	}
	if n, ok := parseInt(name, 8); ok && n >= 0 && int(n) < len(languages) {
		return Language(n)
	}
	return Other
}
