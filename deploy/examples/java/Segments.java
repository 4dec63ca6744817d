import java.util.List;
import ringback.v1.Analytics;

/**
 * The analytics stream: what every conversation was at which time. With a number it ends when so
 * many conversations have ended; without, it goes on.
 */
final class Segments {
    static int left;

    private Segments() {}

    static boolean take(Analytics.AnalyticsEvent event) {
        if (event.hasSegment()) {
            Analytics.Segment segment = event.getSegment();

            System.out.printf("segment: %s in %s, agent %s, %.1f s%n", segment.getType(),
                event.getQueueId(), event.getAgentId().isEmpty() ? "none" : event.getAgentId(),
                (segment.getEndMs() - segment.getStartMs()) / 1000.0);
        } else if (event.hasSessionEnded()) {
            System.out.println("ended: " + event.getSessionEnded().getReason());
            left--;
        }
        return left != 0;
    }

    public static void main(String[] arguments) throws Exception {
        left = arguments.length > 0 ? Integer.parseInt(arguments[0]) : -1;
        Bus.read(List.of("analytics"), null,
            (topic, value) -> take(Analytics.AnalyticsEvent.parseFrom(value)));
    }
}
