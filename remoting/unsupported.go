package remoting

import (
	"fmt"

	"github.com/gantrymq/gantry/remoting/wire"
)

// refusal is a code that is known and not handled. It is answered with 3 at
// once: silence looks like a hang.
type refusal struct {
	code   wire.RequestCode
	name   string
	reason string
}

// Why codes are refused.
const (
	fromServer   = "the server sends it to clients"
	unused       = "no client or tool of 4.9.8 or later sends it"
	noRecheck    = "producers are asked about a transaction for as long as it is open; one that is given up is at its end"
	noPop        = "POP does not exist yet"
	noLite       = "lite topics do not exist yet"
	noAdmin      = "administration over this protocol is not complete yet"
	noUsers      = "users do not exist yet"
	oldACL       = "the access control of 4.x is replaced by users and policies (3001 to 3010), which do not exist yet"
	noBrokers    = "other brokers do not register here, and there is no primary and replica"
	noController = "there is no controller"
	otherStore   = "it tunes a store that this server does not have"
	noStatic     = "static topics do not exist"
)

// unsupported lists the codes that are refused, and why.
func unsupported() []refusal {
	return []refusal{
		{wire.QueryBrokerOffset, "QUERY_BROKER_OFFSET", unused},
		{wire.GetTopicConfigList, "GET_TOPIC_CONFIG_LIST", unused},
		{wire.GetTopicNameList, "GET_TOPIC_NAME_LIST", unused},
		{wire.TriggerDeleteFiles, "TRIGGER_DELETE_FILES", unused},
		{wire.CheckTransactionState, "CHECK_TRANSACTION_STATE", fromServer},
		{wire.NotifyConsumerIDsChanged, "NOTIFY_CONSUMER_IDS_CHANGED", fromServer},
		{wire.GetAllDelayOffset, "GET_ALL_DELAY_OFFSET", noAdmin},
		{wire.GetClientConfig, "GET_CLIENT_CONFIG", unused},
		{wire.UpdateAndCreateACLConfig, "UPDATE_AND_CREATE_ACL_CONFIG", oldACL},
		{wire.DeleteACLConfig, "DELETE_ACL_CONFIG", oldACL},
		{wire.GetBrokerClusterACLInfo, "GET_BROKER_CLUSTER_ACL_INFO", oldACL},
		{wire.UpdateGlobalWhiteAddrsConfig, "UPDATE_GLOBAL_WHITE_ADDRS_CONFIG", oldACL},
		{wire.GetBrokerClusterACLConfig, "GET_BROKER_CLUSTER_ACL_CONFIG", oldACL},
		{wire.GetTimerCheckPoint, "GET_TIMER_CHECK_POINT", otherStore},
		{wire.GetTimerMetrics, "GET_TIMER_METRICS", otherStore},
		{wire.RegisterBroker, "REGISTER_BROKER", noBrokers},
		{wire.UnregisterBroker, "UNREGISTER_BROKER", noBrokers},
		{wire.SuspendConsumer, "SUSPEND_CONSUMER", unused},
		{wire.ResumeConsumer, "RESUME_CONSUMER", unused},
		{wire.ResetConsumerOffsetInConsumer, "RESET_CONSUMER_OFFSET_IN_CONSUMER", unused},
		{wire.ResetConsumerOffsetInBroker, "RESET_CONSUMER_OFFSET_IN_BROKER", unused},
		{wire.AdjustConsumerThreadPool, "ADJUST_CONSUMER_THREAD_POOL", unused},
		{wire.WhoConsumeTheMessage, "WHO_CONSUME_THE_MESSAGE", unused},
		{wire.ResetConsumerClientOffset, "RESET_CONSUMER_CLIENT_OFFSET", fromServer},
		{wire.GetConsumerStatusFromClient, "GET_CONSUMER_STATUS_FROM_CLIENT", fromServer},
		{wire.RegisterFilterServer, "REGISTER_FILTER_SERVER", unused},
		{wire.RegisterMessageFilterClass, "REGISTER_MESSAGE_FILTER_CLASS", unused},
		{wire.QueryCorrectionOffset, "QUERY_CORRECTION_OFFSET", noAdmin},
		{wire.QueryConsumeQueue, "QUERY_CONSUME_QUEUE", noAdmin},
		{wire.QueryDataVersion, "QUERY_DATA_VERSION", noBrokers},
		{wire.ResumeCheckHalfMessage, "RESUME_CHECK_HALF_MESSAGE", noRecheck},
		{wire.PushReplyMessageToClient, "PUSH_REPLY_MESSAGE_TO_CLIENT", fromServer},
		{wire.UpdateAndGetGroupForbidden, "UPDATE_AND_GET_GROUP_FORBIDDEN", noAdmin},
		{wire.CheckRocksDBCQWriteProgress, "CHECK_ROCKSDB_CQ_WRITE_PROGRESS", otherStore},
		{wire.ExportRocksDBConfigToJSON, "EXPORT_ROCKSDB_CONFIG_TO_JSON", otherStore},
		{wire.QueryAssignment, "QUERY_ASSIGNMENT", noPop},
		{wire.SetMessageRequestMode, "SET_MESSAGE_REQUEST_MODE", noPop},
		{wire.GetAllMessageRequestMode, "GET_ALL_MESSAGE_REQUEST_MODE", noPop},
		{wire.UpdateAndCreateStaticTopic, "UPDATE_AND_CREATE_STATIC_TOPIC", noStatic},
		{wire.AddBroker, "ADD_BROKER", noBrokers},
		{wire.RemoveBroker, "REMOVE_BROKER", noBrokers},
		{wire.BrokerHeartbeat, "BROKER_HEARTBEAT", noBrokers},
		{wire.NotifyMinBrokerIDChange, "NOTIFY_MIN_BROKER_ID_CHANGE", noBrokers},
		{wire.ExchangeBrokerHAInfo, "EXCHANGE_BROKER_HA_INFO", noBrokers},
		{wire.ResetMasterFlushOffset, "RESET_MASTER_FLUSH_OFFSET", noBrokers},
		{wire.ControllerAlterSyncStateSet, "CONTROLLER_ALTER_SYNC_STATE_SET", noController},
		{wire.ControllerElectMaster, "CONTROLLER_ELECT_MASTER", noController},
		{wire.ControllerRegisterBroker, "CONTROLLER_REGISTER_BROKER", noController},
		{wire.ControllerGetReplicaInfo, "CONTROLLER_GET_REPLICA_INFO", noController},
		{wire.ControllerGetMetadataInfo, "CONTROLLER_GET_METADATA_INFO", noController},
		{wire.ControllerGetSyncStateData, "CONTROLLER_GET_SYNC_STATE_DATA", noController},
		{wire.GetBrokerEpochCache, "GET_BROKER_EPOCH_CACHE", noController},
		{wire.NotifyBrokerRoleChanged, "NOTIFY_BROKER_ROLE_CHANGED", noController},
		{wire.UpdateControllerConfig, "UPDATE_CONTROLLER_CONFIG", noController},
		{wire.GetControllerConfig, "GET_CONTROLLER_CONFIG", noController},
		{wire.CleanBrokerData, "CLEAN_BROKER_DATA", noController},
		{wire.ControllerGetNextBrokerID, "CONTROLLER_GET_NEXT_BROKER_ID", noController},
		{wire.ControllerApplyBrokerID, "CONTROLLER_APPLY_BROKER_ID", noController},
		{wire.BrokerCloseChannelRequest, "BROKER_CLOSE_CHANNEL_REQUEST", noController},
		{wire.CheckNotActiveBrokerRequest, "CHECK_NOT_ACTIVE_BROKER_REQUEST", noController},
		{wire.GetBrokerLiveInfoRequest, "GET_BROKER_LIVE_INFO_REQUEST", noController},
		{wire.GetSyncStateDataRequest, "GET_SYNC_STATE_DATA_REQUEST", noController},
		{wire.RaftBrokerHeartBeatEvent, "RAFT_BROKER_HEART_BEAT_EVENT_REQUEST", noController},
		{wire.UpdateColdDataFlowCtrConfig, "UPDATE_COLD_DATA_FLOW_CTR_CONFIG", otherStore},
		{wire.RemoveColdDataFlowCtrConfig, "REMOVE_COLD_DATA_FLOW_CTR_CONFIG", otherStore},
		{wire.GetColdDataFlowCtrInfo, "GET_COLD_DATA_FLOW_CTR_INFO", otherStore},
		{wire.SetCommitLogReadMode, "SET_COMMITLOG_READ_MODE", otherStore},
		{wire.AuthCreateUser, "AUTH_CREATE_USER", noUsers},
		{wire.AuthUpdateUser, "AUTH_UPDATE_USER", noUsers},
		{wire.AuthDeleteUser, "AUTH_DELETE_USER", noUsers},
		{wire.AuthGetUser, "AUTH_GET_USER", noUsers},
		{wire.AuthListUser, "AUTH_LIST_USER", noUsers},
		{wire.AuthCreateACL, "AUTH_CREATE_ACL", noUsers},
		{wire.AuthUpdateACL, "AUTH_UPDATE_ACL", noUsers},
		{wire.AuthDeleteACL, "AUTH_DELETE_ACL", noUsers},
		{wire.AuthGetACL, "AUTH_GET_ACL", noUsers},
		{wire.AuthListACL, "AUTH_LIST_ACL", noUsers},
		{wire.SwitchTimerEngine, "SWITCH_TIMER_ENGINE", otherStore},
		{wire.DeleteTopicInBrokerList, "DELETE_TOPIC_IN_BROKER_LIST", noAdmin},
		{wire.DeleteGroupList, "DELETE_SUBSCRIPTION_GROUP_LIST", noAdmin},
		{wire.PopMessage, "POP_MESSAGE", noPop},
		{wire.AckMessage, "ACK_MESSAGE", noPop},
		{wire.PeekMessage, "PEEK_MESSAGE", noPop},
		{wire.ChangeMessageInvisibleTime, "CHANGE_MESSAGE_INVISIBLETIME", noPop},
		{wire.Notification, "NOTIFICATION", noPop},
		{wire.PollingInfo, "POLLING_INFO", noPop},
		{wire.PopRollback, "POP_ROLLBACK", noPop},
		{wire.PopLiteMessage, "POP_LITE_MESSAGE", noLite},
		{wire.LiteSubscriptionCtl, "LITE_SUBSCRIPTION_CTL", noLite},
		{wire.AckLiteMessage, "ACK_LITE_MESSAGE", noLite},
		{wire.NotifyUnsubscribeLite, "NOTIFY_UNSUBSCRIBE_LITE", fromServer},
		{wire.GetBrokerLiteInfo, "GET_BROKER_LITE_INFO", noLite},
		{wire.GetParentTopicInfo, "GET_PARENT_TOPIC_INFO", noLite},
		{wire.GetLiteTopicInfo, "GET_LITE_TOPIC_INFO", noLite},
		{wire.GetLiteClientInfo, "GET_LITE_CLIENT_INFO", noLite},
		{wire.GetLiteGroupInfo, "GET_LITE_GROUP_INFO", noLite},
		{wire.TriggerLiteDispatch, "TRIGGER_LITE_DISPATCH", noLite},
		{wire.BatchAckMessage, "BATCH_ACK_MESSAGE", noPop},
	}
}

// refuseBecause returns the handler of a code that is not handled.
func refuseBecause(reason string) func(*conn, request) {
	return func(c *conn, r request) {
		remark := fmt.Sprintf(" request type %d not supported", c.cmd.Code)
		if reason != "" {
			remark += ": " + reason
		}
		r.refuse(wire.RequestCodeNotSupported, remark)
	}
}
