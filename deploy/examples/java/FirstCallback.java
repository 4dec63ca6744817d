import java.util.List;
import ringback.v1.Commands;
import ringback.v1.Common;
import ringback.v1.Flows;
import ringback.v1.Interactions;
import ringback.v1.PresenceOuterClass;
import ringback.v1.Results;
import ringback.v1.Routing;
import ringback.v1.Settings;

/**
 * What a platform says until a caller is called back: settings, an agent, a call, the wish to be
 * called back; then the agent's desktop accepts the offer. Ends when the callback has ended.
 */
final class FirstCallback {
    static final long NOW = System.currentTimeMillis();
    static final String CALL = "call-" + NOW;
    static final String CONVERSATION = "conv-" + NOW;
    static final String WISH = "wish-" + NOW;
    static final String NUMBER = "+493030890001";
    static final Common.Place PLACE =
        Common.Place.newBuilder().setQueueId("sales").setEntryMs(NOW).build();

    private FirstCallback() {}

    /** A script that allows callbacks, a queue, an agent. A newer version replaces an older one. */
    static void sendSettings() throws Exception {
        Bus.send("settings", Settings.SettingsEvent.newBuilder().setId("script-" + NOW)
            .setScript(Settings.ScriptSettings.newBuilder()
                .setScriptId("callback").setVersion(NOW).setCallbackEnabled(true)).build());
        Bus.send("settings", Settings.SettingsEvent.newBuilder().setId("queue-" + NOW)
            .setQueue(Settings.QueueSettings.newBuilder()
                .setQueueId("sales").setVersion(NOW).setDefaultScriptId("callback")
                .setAutoDial(Settings.AutoDial.newBuilder().setDelayS(0))
                .setAutoEnd(Settings.AutoEnd.newBuilder().setDelayS(0))).build());
        Bus.send("settings", Settings.SettingsEvent.newBuilder().setId("agent-" + NOW)
            .setAgent(Settings.AgentSettings.newBuilder()
                .setAgentId("anna").setVersion(NOW)).build());
    }

    static PresenceOuterClass.PresenceEvent.Builder fact(String name) {
        return PresenceOuterClass.PresenceEvent.newBuilder().setId(name + "-" + NOW)
            .setAgentId("anna").setVersion(NOW).setChangeMs(NOW);
    }

    /** The agent is logged in, free, and serves the queue: three facts, each for itself. */
    static void sendPresence() throws Exception {
        Bus.send("presence", fact("queues").setJoinedQueues(
            PresenceOuterClass.JoinedQueuesChanged.newBuilder().addQueueIds("sales")).build());
        Bus.send("presence", fact("presence").setPresence(
            PresenceOuterClass.PresenceChanged.newBuilder()
                .setPresence(PresenceOuterClass.Presence.PRESENCE_ON_QUEUE)).build());
        Bus.send("presence", fact("status").setRoutingStatus(
            PresenceOuterClass.RoutingStatusChanged.newBuilder()
                .setStatus(PresenceOuterClass.RoutingStatus.ROUTING_STATUS_IDLE)).build());
    }

    static Interactions.InteractionEvent.Builder interaction(long version) {
        return Interactions.InteractionEvent.newBuilder().setId(CALL + "-" + version)
            .setInteraction(Interactions.Interaction.newBuilder()
                .setInteractionId(CALL).setConversationId(CONVERSATION)
                .setMedia(Common.Media.MEDIA_VOICE).setVersion(version)
                .setTimeMs(System.currentTimeMillis()));
    }

    /** The caller presses 1: call me back. The facts are those of the call as the flow knows them. */
    static void sendWish() throws Exception {
        Bus.send("flows", Flows.FlowEvent.newBuilder().setId(WISH)
            .setCreateCallback(Flows.CreateCallback.newBuilder()
                .setInteractionId(CALL).setConversationId(CONVERSATION).setNumber(NUMBER)
                .setQueueId("sales").setFlowType(Flows.FlowType.FLOW_TYPE_IN_QUEUE_CALL)
                .setFacts(Flows.InteractionFacts.newBuilder().setPlace(PLACE).setAni(NUMBER)
                    .setMedia(Common.Media.MEDIA_VOICE).setVersion(1))).build());
    }

    static boolean takeResult(Results.Result result) throws Exception {
        boolean mine = result.getRequestId().endsWith("-" + NOW);

        if (mine && result.hasSettingsAccepted()) {
            System.out.println("settings accepted: " + result.getSettingsAccepted().getKind() + " "
                + result.getSettingsAccepted().getKey());
        } else if (mine && result.hasCallbackAccepted()) {
            System.out.println("callback accepted: the caller may hang up");
            Bus.send("interactions", interaction(2)
                .setEnded(Interactions.InteractionEnded.getDefaultInstance()).build());
            sendPresence();
        } else if (mine && (result.hasCallbackRefused() || result.hasSettingsRefused())) {
            System.out.println("refused: " + (result.hasCallbackRefused()
                ? result.getCallbackRefused().getText() : result.getSettingsRefused().getText()));
            System.exit(1);
        }
        return true;
    }

    static boolean takeRouting(Routing.RoutingEvent event) throws Exception {
        if (!event.getConversationId().equals(CONVERSATION)) {
            return true;
        }
        if (event.hasOffer()) {
            String offer = event.getOffer().getOfferId();

            System.out.println("offered to: " + event.getOffer().getAgentId());
            Bus.send("commands", Commands.Command.newBuilder().setRequestId("accept-" + offer)
                .setCallbackId(event.getCallbackId()).setAgentId(event.getOffer().getAgentId())
                .setAccept(Commands.Accept.newBuilder().setOfferId(offer)).build());
        } else if (event.hasCallbackAssigned()) {
            System.out.println("accepted by: " + event.getCallbackAssigned().getAgentId());
        } else if (event.hasCallbackEnded()) {
            System.out.println("callback ended: " + event.getCallbackEnded().getReason()
                + ", attempts: " + event.getCallbackEnded().getAttempts());
            return false;
        }
        return true;
    }

    public static void main(String[] arguments) throws Exception {
        sendSettings();
        Bus.send("interactions", interaction(1).setEntered(
            Interactions.InteractionEntered.newBuilder().setPlace(PLACE).setAni(NUMBER)).build());
        sendWish();
        Bus.read(List.of("results", "routing"), null, (topic, value) -> topic.equals("results")
            ? takeResult(Results.Result.parseFrom(value))
            : takeRouting(Routing.RoutingEvent.parseFrom(value)));
    }
}
