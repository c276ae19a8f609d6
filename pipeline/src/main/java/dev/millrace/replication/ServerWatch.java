package dev.millrace.replication;

import dev.millrace.lag.ServerUse;
import dev.millrace.postgres.Database;
import dev.millrace.postgres.Database.PoolUse;
import dev.millrace.postgres.Server.Activity;
import dev.millrace.postgres.Session;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import org.jspecify.annotations.Nullable;

/// Reads every few seconds how busy a server is, and how long it takes to answer. [#read] is
/// confined to the server's probe; [#use] is thread-safe.
final class ServerWatch {

    private static final Duration INTERVAL = Duration.ofSeconds(5);

    /// An older reading is not known any more.
    private static final Duration TOO_OLD = Duration.ofSeconds(15);

    private record Reading(Activity activity, Duration latency, Instant at) {}

    private final String name;
    private final Database database;
    private final InstantSource clock;
    private volatile @Nullable Reading last;

    ServerWatch(String name, Database database, InstantSource clock) {
        this.name = name;
        this.database = database;
        this.clock = clock;
    }

    /// Reads in a session of the pool, if it is time.
    void read() {
        if (isDue()) {
            try (Session session = database.session()) {
                read(session);
            }
        }
    }

    /// Reads in this session, if it is time.
    void read(Session session) {
        if (isDue()) {
            Instant before = clock.instant();
            Activity activity = session.server().activity();
            Instant now = clock.instant();
            last = new Reading(activity, Duration.between(before, now), now);
        }
    }

    private boolean isDue() {
        Reading known = last;
        return known == null
                || Duration.between(known.at(), clock.instant()).compareTo(INTERVAL) >= 0;
    }

    ServerUse use(Instant now) {
        PoolUse pool = database.poolUse();
        ServerUse.Pool shown =
                new ServerUse.Pool(pool.active(), pool.idle(), pool.waiting(), pool.limit());
        Reading known = last;
        if (known == null || Duration.between(known.at(), now).compareTo(TOO_OLD) > 0) {
            return new ServerUse(name, null, null, null, null, shown);
        }
        Activity activity = known.activity();
        return new ServerUse(
                name,
                activity.version(),
                known.latency().toNanos() / 1e9,
                activity.lockWaits(),
                activity.slowQueries().isPresent() ? activity.slowQueries().getAsLong() : null,
                shown);
    }
}
