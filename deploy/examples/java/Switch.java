import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import ringback.v1.Interactions;
import ringback.v1.Routing;

/**
 * A telephone switch, as small as it goes: dials what PlaceCall says and tells what came of it. Here
 * every customer answers at once and soon hangs up.
 *
 * <p>An attempt id is dialled once: ids are on disk (DIALLED) before a number is dialled, and the
 * group's position is committed afterwards. What is read again after a crash is found there and left
 * out.
 */
final class Switch {
    static final Path DIALLED = Path.of(System.getenv().getOrDefault("DIALLED", "dialled.txt"));

    private Switch() {}

    static Interactions.InteractionEvent.Builder report(String attempt, long version) {
        return Interactions.InteractionEvent.newBuilder().setId(attempt + "-" + version)
            .setAttempt(Interactions.Attempt.newBuilder().setAttemptId(attempt).setVersion(version)
                .setTimeMs(System.currentTimeMillis()));
    }

    /** False: it was dialled before. */
    static boolean remember(String attempt) throws Exception {
        if (Files.exists(DIALLED) && Files.readAllLines(DIALLED).contains(attempt)) {
            return false;
        }
        try (FileChannel file = FileChannel.open(DIALLED, StandardOpenOption.CREATE,
                StandardOpenOption.APPEND)) {
            file.write(StandardCharsets.UTF_8.encode(attempt + "\n"));
            file.force(true);
        }
        return true;
    }

    static void place(Routing.PlaceCall call) throws Exception {
        String attempt = call.getAttemptId();
        String agent = call.getAgentId();

        if (!remember(attempt)) {
            System.out.println("left out, dialled before: " + call.getNumber());
            return;
        }
        System.out.println("dialling: " + call.getNumber() + " for "
            + (agent.isEmpty() ? "nobody yet" : agent));
        Bus.send("interactions", report(attempt, 1)
            .setAttemptRinging(Interactions.AttemptRinging.getDefaultInstance()).build());
        Bus.send("interactions", report(attempt, 2)
            .setAttemptAnswered(Interactions.AttemptAnswered.newBuilder()
                .setKind(Interactions.AnswerKind.ANSWER_KIND_PERSON)).build());
        Bus.send("interactions", report(attempt, 3).setAttemptConnected(
            Interactions.AttemptConnected.newBuilder().setAgentId(agent)).build());
        Bus.send("interactions", report(attempt, 4)
            .setAttemptEnded(Interactions.AttemptEnded.newBuilder()
                .setResult(Interactions.AttemptResult.ATTEMPT_RESULT_HUNG_UP)
                .setBy(Interactions.Party.PARTY_CUSTOMER)).build());
        Bus.send("interactions", report(attempt, 5).setAttemptWrapUpEnded(
            Interactions.AttemptWrapUpEnded.newBuilder().setAgentId(agent)).build());
        System.out.println("hung up by the customer: " + call.getNumber());
    }

    public static void main(String[] arguments) throws Exception {
        System.out.println("waiting for calls to place");
        Bus.read(List.of("routing"), System.getenv().getOrDefault("GROUP", "example-switch"),
            (topic, value) -> {
                Routing.RoutingEvent event = Routing.RoutingEvent.parseFrom(value);

                if (event.hasPlaceCall()) {
                    place(event.getPlaceCall());
                } else if (event.hasHangUp()) {
                    System.out.println("to be hung up: " + event.getHangUp().getAttemptId());
                }
                return true;
            });
    }
}
