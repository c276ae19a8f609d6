package dev.millrace.switchover;

import dev.millrace.switchover.Operation.Kind;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;

/// The steps that move the traffic, in their order. A text names the side `{from}` to which the
/// application writes before, and the side `{to}` to which it writes afterwards.
public enum SwitchStep {
    /// Creates what the way back needs, and installs the fence, which is open until [#FENCE].
    ARM("Install the fence's triggers on the {from}, and start the replication back to it"),

    /// Holds the clients in routes that can do so, so that none meets the fence.
    HOLD("Hold the clients in the routes that can hold them"),

    /// Closes the side for the application and waits for older transactions.
    FENCE("Fence the {from}: refuse the application's writes there"),

    PROVE("Prove that the fence holds for every role that may write"),

    /// Emits the watermark after which the side has no change of the application.
    WATERMARK("Write the last watermark into the WAL of the {from}"),

    APPLIED("Wait until every change before the watermark is applied to the {to}"),

    VERDICT("Compare what was touched since the last comparison"),

    SEQUENCES("Advance the sequences of the {to} beyond every used value"),

    /// The point of no return: from here on, the way back is a move in the other direction.
    PERMANENT("Make the fence on the {from} permanent"),

    OPEN("Open the {to} for the application"),

    ROUTE("Route the application to the {to}"),

    RELEASE("Release the clients"),

    /// Removes what the way back needed. Only a rollback has this step.
    DISARM("Stop the replication of the {from}, and remove the triggers on the {to}");

    private static final List<SwitchStep> SWITCHOVER = List.copyOf(EnumSet.range(ARM, RELEASE));
    private static final List<SwitchStep> ROLLBACK = List.copyOf(EnumSet.range(ARM, DISARM));

    private final String text;

    SwitchStep(String text) {
        this.text = text;
    }

    /// The steps of a kind of operation.
    public static List<SwitchStep> of(Kind kind) {
        return switch (kind) {
            case SWITCHOVER -> SWITCHOVER;
            case ROLLBACK -> ROLLBACK;
        };
    }

    /// The name in the journal, in the API and in the status.
    public String id() {
        return name().toLowerCase(Locale.ROOT);
    }

    /// What the step does, for the operator.
    public String text(Kind kind) {
        String named =
                this == ARM && kind == Kind.ROLLBACK
                        ? "Check the fence's triggers on the {from}"
                        : text;
        return named.replace("{from}", kind.from()).replace("{to}", kind.to());
    }

    /// True for the steps that are only made once the fence is permanent. They are never undone.
    boolean isAfterPermanent() {
        return switch (this) {
            case ARM, HOLD, FENCE, PROVE, WATERMARK, APPLIED, VERDICT, SEQUENCES, PERMANENT ->
                    false;
            case OPEN, ROUTE, RELEASE, DISARM -> true;
        };
    }

    /// @throws IllegalArgumentException for a name that is none of these steps
    static SwitchStep of(String id) {
        return Arrays.stream(values())
                .filter(step -> step.id().equals(id))
                .findFirst()
                .orElseThrow(
                        () ->
                                new IllegalArgumentException(
                                        "The journal contains an unknown step: '" + id + "'."));
    }

    /// Called around each effect of a step. A test ends the operation there by an [Error].
    public interface Trace {

        Trace NONE = (_, _) -> {};

        /// @param moment `perform:before`, `perform:after`, `undo:before` or `undo:after`
        void at(SwitchStep step, String moment);
    }
}
