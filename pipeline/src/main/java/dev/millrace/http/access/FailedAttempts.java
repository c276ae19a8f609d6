package dev.millrace.http.access;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Optional;

/// Limits how often an address may present a wrong credential: ten times at once, then once every
/// six seconds. An address over the limit is refused with a right credential too, because guessing
/// would otherwise not be limited. Remembers one time for each address, of the last 10,000
/// addresses. Thread-safe.
final class FailedAttempts {

    static final int AT_ONCE = 10;
    static final Duration INTERVAL = Duration.ofSeconds(6);
    static final int ADDRESSES = 10_000;

    private static final Duration ALLOWANCE = INTERVAL.multipliedBy(AT_ONCE);
    private static final int NETWORK_BYTES = 8;

    private final InstantSource clock;

    /// When an address may fail as often as if it had never failed, by address.
    private final LinkedHashMap<String, Instant> forgivenAt = new LinkedHashMap<>(16, 0.75f, true);

    FailedAttempts(InstantSource clock) {
        this.clock = clock;
    }

    /// Counts an attempt as failed before it is checked, so that attempts at the same time count.
    ///
    /// @return how long the address must wait; empty if the attempt may be checked
    synchronized Optional<Duration> begin(String address) {
        Instant now = clock.instant();
        String network = network(address);
        Instant before = forgivenAt.getOrDefault(network, now);
        Instant after = (before.isBefore(now) ? now : before).plus(INTERVAL);
        Duration over = Duration.between(now.plus(ALLOWANCE), after);
        if (over.isPositive()) {
            return Optional.of(over);
        }
        forgivenAt.put(network, after);
        if (forgivenAt.size() > ADDRESSES) {
            forgivenAt.pollFirstEntry();
        }
        return Optional.empty();
    }

    /// The attempt was right after all. Earlier ones stay counted.
    synchronized void succeeded(String address) {
        String network = network(address);
        Instant before = forgivenAt.get(network);
        if (before != null) {
            Instant after = before.minus(INTERVAL);
            if (after.isAfter(clock.instant())) {
                forgivenAt.put(network, after);
            } else {
                forgivenAt.remove(network);
            }
        }
    }

    /// For tests.
    synchronized int size() {
        return forgivenAt.size();
    }

    /// A machine has many addresses of IPv6, of one network of 64 bits.
    private static String network(String address) {
        try {
            return InetAddress.ofLiteral(address) instanceof Inet6Address six
                    ? HexFormat.of().formatHex(six.getAddress(), 0, NETWORK_BYTES)
                    : address;
        } catch (IllegalArgumentException _) {
            return address;
        }
    }
}
