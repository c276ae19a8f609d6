package dev.millrace.route;

import java.time.Duration;
import java.util.List;

/// One place that decides which database the applications use. Its state is in that place, not
/// here: a call that is repeated after a kill has the same result. Calls block; they return an
/// outcome for everything that an operator can fix and throw nothing for it. No outcome and no
/// finding contains a secret, a statement or a value of a row. Thread-safe, but two calls at the
/// same time would race in the place itself.
public sealed interface TrafficRoute
        permits FlagRoute, SqlRoute, ExecRoute, WebhookRoute, PgBouncerRoute {

    /// For messages: `flag table app.flag`.
    String name();

    /// Looks for what would make [#route] fail. Changes nothing.
    ///
    /// @param next the direction of the next attempt
    List<Finding> check(Direction next);

    /// Whether [#hold] can make the applications wait.
    default boolean canHold() {
        return false;
    }

    /// Makes new transactions wait and waits until the open ones have ended. When they do not end
    /// in time, clients have been released before this returns.
    ///
    /// @param limit how long to wait for open transactions
    default Hold hold(Duration limit) {
        return new Hold.NotHeld(name() + " cannot make clients wait", new Release.Released());
    }

    /// Moves the traffic. Must not be called for both directions at once.
    Outcome route(Attempt attempt);

    /// Lets waiting clients continue. Without waiting clients it does nothing.
    default Release release() {
        return new Release.Released();
    }

    /// Where traffic is moved.
    enum Direction {
        /// To the target.
        SWITCH,
        /// Back to the source.
        ROLLBACK;

        /// `switch` or `rollback`, as hooks receive it.
        public String text() {
            return switch (this) {
                case SWITCH -> "switch";
                case ROLLBACK -> "rollback";
            };
        }

        Direction opposite() {
            return this == SWITCH ? ROLLBACK : SWITCH;
        }
    }

    /// What one routing is known by. A repetition after a kill has the same attempt; a routing
    /// after an undo has another key.
    ///
    /// @param operation the operation of the journal
    /// @param key visible ASCII characters; a webhook that has seen it does nothing
    record Attempt(String migration, String operation, Direction direction, String key) {

        public Attempt {
            if (!key.matches("[!-~]{1,200}")) {
                throw new IllegalArgumentException("Not an idempotency key.");
            }
        }

        /// The attempt that takes this one back.
        Attempt undo() {
            return new Attempt(migration, operation, direction.opposite(), key + ".undo");
        }

        /// The same attempt for one of several routes.
        Attempt of(int route) {
            return new Attempt(migration, operation, direction, key + "." + route);
        }
    }

    /// The result of moving traffic.
    sealed interface Outcome {

        /// The applications use the other database.
        record Routed() implements Outcome {}

        /// The applications use the same database as before, with certainty.
        record NotRouted(String reason) implements Outcome {}

        /// The place did not say what it did. Only a person can find out.
        ///
        /// @param question what to find out, and which answer means `routed`
        record Unknown(String question) implements Outcome {}
    }

    /// The result of making clients wait.
    sealed interface Hold {

        /// No client has an open transaction, and none can begin one.
        record Held() implements Hold {}

        /// @param release whether clients continue
        record NotHeld(String reason, Release release) implements Hold {}
    }

    /// The result of letting clients continue.
    sealed interface Release {

        record Released() implements Release {}

        /// @param remedy what to do by hand
        record NotReleased(String reason, String remedy) implements Release {}
    }

    /// What a check found about one object.
    ///
    /// @param check a stable identifier: `route.flag`
    /// @param remedy empty when nothing has to be done
    record Finding(Status status, String check, String object, String message, String remedy) {

        public enum Status {
            OK,
            WARNING,
            /// A requirement is not met.
            REFUSED,
            /// The place does not answer.
            UNREACHABLE
        }
    }
}
