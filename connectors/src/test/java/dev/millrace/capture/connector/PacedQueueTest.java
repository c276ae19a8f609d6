package dev.millrace.capture.connector;

import static org.assertj.core.api.Assertions.assertThat;

import io.debezium.connector.base.ChangeEventQueue;
import io.debezium.connector.base.QueueProvider;
import io.debezium.pipeline.Sizeable;
import io.debezium.util.LoggingContext;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class PacedQueueTest {

    private static final int POLLS = 20;

    /// A loop without a pause asks many thousand times.
    private static final int MOST_ASKS = 1_000;

    private record Event(int number) implements Sizeable {
        @Override
        public long objectSize() {
            return 1;
        }
    }

    /// Counts how often the engine asks.
    private static final class Counted implements QueueProvider<Event> {
        final AtomicInteger asks = new AtomicInteger();
        private final PacedQueue<Event> queue = new PacedQueue<>();

        @Override
        public String name() {
            return queue.name();
        }

        @Override
        public void configure(Map<String, ?> properties) {}

        @Override
        public void enqueue(Event event) {
            queue.enqueue(event);
        }

        @Override
        public @Nullable Event poll() {
            return queue.poll();
        }

        @Override
        public int size() {
            asks.incrementAndGet();
            return queue.size();
        }
    }

    private final Counted counted = new Counted();
    private final ChangeEventQueue<Event> engine =
            new ChangeEventQueue.Builder<Event>()
                    .pollInterval(Duration.ofMillis(5))
                    .pollDispatchInterval(Duration.ZERO)
                    .maxBatchSize(100)
                    .maxQueueSize(1_000)
                    .maxQueueSizeInBytes(1 << 20)
                    .loggingContextSupplier(() -> LoggingContext.forConnector("t", "t", "t"))
                    .queueProvider(counted)
                    .build();

    @Test
    void anEngineThatWaitsDoesNotSpin() throws Exception {
        for (int poll = 0; poll < POLLS; poll++) {
            assertThat(engine.poll()).isEmpty();
        }

        assertThat(counted.asks.get()).isLessThan(MOST_ASKS);
    }

    @Test
    void keepsEveryEventInItsOrder() throws Exception {
        engine.poll();
        for (int number = 0; number < 250; number++) {
            engine.enqueue(new Event(number));
        }

        List<Event> events =
                List.of(engine.poll(), engine.poll(), engine.poll()).stream()
                        .flatMap(List::stream)
                        .toList();

        assertThat(events)
                .extracting(Event::number)
                .hasSize(250)
                .isSorted()
                .doesNotHaveDuplicates();
    }
}
