package dev.millrace.capture.connector;

import io.debezium.connector.base.QueueProvider;
import io.debezium.pipeline.Sizeable;
import java.util.ArrayDeque;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/// The engine's queue of events, in memory. In the last millisecond of each wait for events the
/// engine asks for the size without a pause, which costs 4 % of a processor while nothing changes.
/// In that millisecond the answer for an empty queue takes longer. This delays a producer by at
/// most one [#PAUSE]: the engine holds its lock during the whole millisecond anyway. Guarded by
/// that lock, except that metrics read [#size] without it; they may get an older number. The engine
/// finds the class by [#name].
public final class PacedQueue<T extends Sizeable> implements QueueProvider<T> {

    /// The engine's setting of it.
    public static final String NAME = "millrace";

    /// How often the engine asks before it waits.
    private static final int BEFORE_A_WAIT = 3;

    /// In nanoseconds.
    private static final long PAUSE = 250_000;

    /// In nanoseconds. Two questions with more time between them belong to two waits.
    private static final long LAST_MILLISECOND = 1_000_000;

    private final Queue<T> events = new ArrayDeque<>();
    private int asked;
    private long firstAsked = System.nanoTime();
    private long lastAsked = firstAsked;
    private @Nullable Thread asking;

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public void configure(Map<String, ?> properties) {}

    @Override
    public void enqueue(T event) {
        events.add(event);
    }

    @Override
    public @Nullable T poll() {
        return events.poll();
    }

    @Override
    public int size() {
        if (events.isEmpty()) {
            pause();
        }
        return events.size();
    }

    private void pause() {
        long now = System.nanoTime();
        if (Thread.currentThread() != asking || now - lastAsked >= LAST_MILLISECOND) {
            asking = Thread.currentThread();
            asked = 0;
            firstAsked = now;
        }
        asked++;
        if (asked > BEFORE_A_WAIT && now - firstAsked < LAST_MILLISECOND) {
            LockSupport.parkNanos(PAUSE);
        }
        lastAsked = System.nanoTime();
    }
}
