package dev.millrace.switchover;

import dev.millrace.change.WatermarkNumber;
import dev.millrace.digest.ServerPosition;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import java.util.UUID;
import java.util.function.BooleanSupplier;

/// The stream from the side that the application leaves to the other one, and the comparison of
/// both, as far as a move of the traffic needs them. Called by the operation's thread only. A call
/// throws a [RuntimeException] while a server does not answer.
public interface StreamProgress extends AutoCloseable {

    /// One attempt of a step.
    ///
    /// @param operation also the idempotency key towards other systems
    /// @param deadline when the operation goes back by itself; a wait must end there
    /// @param cancelled whether the operator asked to go back
    record Attempt(UUID operation, Instant deadline, BooleanSupplier cancelled) {

        /// Time until the deadline; zero after it.
        public Duration left(InstantSource clock) {
            Duration left = Duration.between(clock.instant(), deadline);
            return left.isNegative() ? Duration.ZERO : left;
        }

        /// Whether a wait must end.
        public BooleanSupplier giveUp(InstantSource clock) {
            return () -> cancelled.getAsBoolean() || left(clock).isZero();
        }
    }

    /// Emits a watermark on the side that the application leaves.
    WatermarkNumber emitWatermark();

    /// Waits until every change before the watermark is applied.
    ///
    /// @return why it is not applied; empty if it is
    Optional<String> awaitApplied(WatermarkNumber watermark, Attempt attempt);

    /// The number of changes that others wrote on the side that the application leaves, as far as
    /// they were captured. Contains every change before a watermark that [#awaitApplied] awaited.
    long changesOfOthers();

    /// Compares in advance what can be compared while the application writes.
    ///
    /// @return why no verdict is possible; empty if one is
    Optional<String> prepareVerdict(Attempt attempt);

    /// Compares what was touched since, while nobody writes.
    ///
    /// @param applied the last watermark, which is applied
    Proof prove(WatermarkNumber applied, Attempt attempt);

    /// Closes the sessions of the comparison.
    @Override
    void close();

    /// Whether both sides are equal.
    sealed interface Proof {

        /// They are.
        ///
        /// @param from the moment of the side that the application leaves, at which they were
        /// @param to the moment of the other side
        record Equal(ServerPosition from, ServerPosition to) implements Proof {}

        /// It is not proved.
        record Missing(String reason) implements Proof {}
    }
}
