package dev.millrace.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.Topics;
import dev.millrace.testing.KafkaServer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;

class StreamNamesIT {

    private static final int ROUNDS = 20;

    private final Map<String, Object> kafka =
            Map.of("bootstrap.servers", KafkaServer.shared().bootstrapServers());
    private final String stream = KafkaServer.newMigrationName();
    private final String other = KafkaServer.newMigrationName();

    private void create(Broker broker, String name) {
        TopicPlan plan = TopicPlan.of(new Topics(name), 1);
        broker.ensure(plan.changes());
        broker.ensure(plan.target());
    }

    /// While topics are deleted, two lists of them differ.
    @Test
    void anOwnTopicIsNeverForeignWhileItIsDeleted() throws Exception {
        try (Broker broker = new Broker(kafka);
                StreamNames names = new StreamNames(kafka, List.of(stream));
                StreamNames deleting = new StreamNames(kafka, List.of(stream))) {
            create(broker, other);
            List<String> found = new ArrayList<>();
            for (int round = 0; round < ROUNDS; round++) {
                create(broker, stream);
                var deletion =
                        new FutureTask<>(
                                () -> {
                                    deleting.delete();
                                    return true;
                                });
                Thread.ofPlatform().daemon().start(deletion);
                boolean ended;
                do {
                    ended = deletion.isDone();
                    SortedSet<String> foreign = names.foreignTopics();
                    assertThat(foreign).anyMatch(topic -> topic.contains(other));
                    foreign.stream().filter(topic -> topic.contains(stream)).forEach(found::add);
                } while (!ended);
                deletion.get();
            }
            assertThat(found).isEmpty();
        }
    }
}
