package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.lifecycle.ComponentState;
import dev.millrace.lifecycle.ComponentState.Activity;
import dev.millrace.lifecycle.Failure;
import java.time.Instant;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class ComponentStatesTest {

    private static final Instant NOON = Instant.parse("2026-01-02T12:00:00Z");
    private static final ComponentState STREAMING = running(Activity.STREAMING);
    private static final ComponentState MAPPING = running(Activity.MAPPING);
    private static final ComponentState APPLYING = running(Activity.APPLYING);
    private static final ComponentState ANSWERS = running(Activity.PROBING);
    private static final ComponentState BACKFILLING = running(Activity.BACKFILLING);
    private static final ComponentState LOST = failed(new Failure.Lost("the slot is missing"));
    private static final ComponentState FATAL = failed(new Failure.Fatal("odd, 3 times in a row"));

    static Stream<Arguments> states() {
        return Stream.of(
                Arguments.of(STREAMING, "streaming", true),
                Arguments.of(running(Activity.SNAPSHOT), "reading the existing rows", true),
                Arguments.of(
                        new ComponentState.Starting(Optional.empty(), NOON), "starting", false),
                Arguments.of(
                        new ComponentState.Starting(Optional.of("pid 7"), NOON),
                        "starting: waits for pid 7",
                        false),
                Arguments.of(
                        new ComponentState.Waiting("no answer", NOON), "waiting: no answer", false),
                Arguments.of(
                        new ComponentState.Waiting(
                                new Failure.OperatorNeeded("login refused", "Do it."), NOON),
                        "needs an operator: login refused. Do it.",
                        false),
                Arguments.of(LOST, "re-backfill required: the slot is missing", false),
                Arguments.of(FATAL, "failed: odd, 3 times in a row", false),
                Arguments.of(
                        failed(new Failure.SnapshotInterrupted("cut")),
                        "the snapshot was interrupted, a new generation begins: cut",
                        false),
                Arguments.of(new ComponentState.Stopped(NOON), "stopped", false));
    }

    @ParameterizedTest
    @MethodSource("states")
    void showsEachStateOfAComponent(ComponentState state, String text, boolean well) {
        assertThat(states(state, MAPPING, APPLYING).parts())
                .contains(new StatusReport.Part("capture", text, well, NOON));
    }

    @Test
    void showsServersAndOnlyAHinderedConductor() {
        ComponentStates states =
                new ComponentStates(
                        STREAMING,
                        BACKFILLING,
                        MAPPING,
                        APPLYING,
                        new ComponentState.Waiting("no answer since noon", NOON),
                        ANSWERS,
                        new ComponentState.Starting(Optional.empty(), NOON),
                        Optional.of(new ComponentState.Waiting("no connection", NOON)));

        assertThat(states.parts())
                .contains(
                        new StatusReport.Part(
                                "source", "unreachable: no answer since noon", false, NOON),
                        new StatusReport.Part("target", "answers", true, null),
                        new StatusReport.Part("kafka", "answers", true, null),
                        new StatusReport.Part("conductor", "waiting: no connection", false, NOON));
        assertThat(states(STREAMING, MAPPING, APPLYING).parts())
                .hasSize(7)
                .allMatch(StatusReport.Part::well);
    }

    @Test
    void showsRetentionWithItsReason() {
        assertThat(ComponentStates.retention(ANSWERS))
                .isEqualTo(new StatusReport.Part("retention", "running", true, NOON));
        assertThat(
                        ComponentStates.retention(
                                new ComponentState.Waiting("nothing is deleted: why", NOON)))
                .isEqualTo(
                        new StatusReport.Part(
                                "retention", "waiting: nothing is deleted: why", false, NOON));
    }

    @Test
    void namesTheFirstComponentThatEnded() {
        assertThat(states(STREAMING, MAPPING, APPLYING).ended()).isEmpty();
        assertThat(states(LOST, FATAL, FATAL).ended())
                .contains("re-backfill required: the slot is missing");
        assertThat(states(STREAMING, MAPPING, FATAL).ended()).contains("odd, 3 times in a row");
        assertThat(states(STREAMING, FATAL, APPLYING).ended()).contains("odd, 3 times in a row");
    }

    @Test
    void interruptedSnapshotIsNoCauseOfAFailedPhase() {
        ComponentStates states =
                states(failed(new Failure.SnapshotInterrupted("cut")), MAPPING, APPLYING);

        assertThat(states.isSnapshotInterrupted()).isTrue();
        assertThat(states.ended()).isEmpty();
        assertThat(states(LOST, MAPPING, APPLYING).isSnapshotInterrupted()).isFalse();
    }

    private static ComponentStates states(
            ComponentState capture, ComponentState mappings, ComponentState applier) {
        return new ComponentStates(
                capture,
                BACKFILLING,
                mappings,
                applier,
                ANSWERS,
                ANSWERS,
                ANSWERS,
                Optional.empty());
    }

    private static ComponentState running(Activity activity) {
        return new ComponentState.Running(activity, NOON);
    }

    private static ComponentState failed(Failure.Terminal failure) {
        return new ComponentState.Failed(failure, NOON);
    }
}
