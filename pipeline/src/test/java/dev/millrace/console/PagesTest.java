package dev.millrace.console;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.millrace.app.FakeMigration;
import dev.millrace.console.Overview.Node;
import dev.millrace.console.Switchover.Gates;
import dev.millrace.console.Switchover.Last;
import dev.millrace.migration.StatusReport;
import dev.millrace.migration.StatusReport.Counts;
import dev.millrace.migration.StatusReport.Lag;
import dev.millrace.migration.StatusReport.Part;
import dev.millrace.switchover.Operation;
import gg.jte.ContentType;
import gg.jte.TemplateEngine;
import gg.jte.output.StringOutput;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// What pages show in each phase.
class PagesTest {

    private static final String MOVE = "data-typed";
    private static final String CANCEL = "{&#34;cancel&#34;:true}";
    private static final String RESOLVE = "/api/v1/resolve";

    private static String switchover(String phase, String verb, @Nullable Last last) {
        StringOutput out = new StringOutput();
        TemplateEngine.createPrecompiled(ContentType.Html)
                .render(
                        "console/switchover.jte",
                        Map.of(
                                "frame",
                                Statuses.frame(Statuses.of(phase), Frame.Page.SWITCHOVER),
                                "page",
                                new Switchover(
                                        verb,
                                        last,
                                        Map.of(),
                                        new Gates("now", "", List.of(), List.of()))),
                        out);
        return out.toString();
    }

    @ParameterizedTest
    @CsvSource({
        "CATCHING_UP, switchover, Switch over to the target",
        "IN_SYNC, switchover, Switch over to the target",
        "REVERSIBLE, rollback, Roll back to the source"
    })
    void theTrafficCanBeMovedInPhasesThatAllowIt(String phase, String verb, String button) {
        assertThat(switchover(phase, verb, null))
                .contains(MOVE, "data-action=\"/api/v1/" + verb + "\"", button)
                .doesNotContain(CANCEL, RESOLVE);
    }

    @ParameterizedTest
    @CsvSource({"BACKFILLING", "FAILED", "COMPLETED", "ABORTED", "PLANNED"})
    void noButtonMovesTheTrafficInOtherPhases(String phase) {
        assertThat(switchover(phase, "switchover", null)).doesNotContain(MOVE, CANCEL, RESOLVE);
    }

    @Test
    void aRunningOperationCanOnlyBeCancelled() {
        assertThat(
                        switchover(
                                "SWITCHING_OVER",
                                "switchover",
                                new Last("rollback: running", "", List.of())))
                .contains(CANCEL, "data-action=\"/api/v1/rollback\"", "Cancel the rollback")
                .doesNotContain(MOVE, RESOLVE);
    }

    @Test
    void anUnresolvedOperationAsksItsQuestion() {
        assertThat(
                        switchover(
                                "UNRESOLVED",
                                "switchover",
                                new Last("switchover: unresolved", "Was it routed?", List.of())))
                .contains("Was it routed?", RESOLVE, "{&#34;answer&#34;:&#34;not-routed&#34;}")
                .doesNotContain(MOVE, CANCEL);
    }

    @Test
    void afterASwitchoverTheDataGoesBack() {
        StatusReport status =
                Statuses.of(
                        "REVERSIBLE",
                        "capture",
                        "mappings",
                        "applier",
                        "source",
                        "target",
                        "kafka",
                        "retention",
                        "reverse-capture",
                        "reverse-mappings",
                        "reverse-applier");
        Overview overview = Overview.of(status, new Samples());

        assertThat(overview.path())
                .extracting(Node::title)
                .containsExactly("Target", "Capture", "Kafka", "Mappings", "Apply", "Source");
        assertThat(overview.others()).extracting(Node::title).containsExactly("retention");
    }

    @ParameterizedTest
    @CsvSource({
        "IN_SYNC, true, '', good",
        "IN_SYNC, false, '', bad",
        "IN_SYNC, true, a blocker, bad",
        "BACKFILLING, true, paused, busy",
        "BACKFILLING, false, '', bad",
        "FAILED, true, '', bad",
        "UNRESOLVED, true, '', bad",
        "COMPLETED, true, '', good"
    })
    void thePhaseIsColouredByWhatItNeeds(
            String phase, boolean well, String blocker, String severity) {
        StatusReport status =
                Statuses.of(
                        phase,
                        new Counts(0, 0, 0),
                        new Lag(null, null, null, null),
                        List.of(new Part("applier", "state", well, null)),
                        blocker.isEmpty() ? List.of() : List.of(blocker));

        assertThat(Statuses.frame(status, Frame.Page.OVERVIEW).severity()).isEqualTo(severity);
    }

    @ParameterizedTest
    @CsvSource({
        "'', The target follows the source.",
        "a blocker, 'The target follows the source, except for what the overview shows as blocked.'"
    })
    void whatIsBlockedIsNoPartOfWhatFollows(String blocker, String meaning) {
        StatusReport status =
                Statuses.of(
                        "IN_SYNC",
                        new Counts(0, 0, 0),
                        new Lag(null, null, null, null),
                        List.of(),
                        blocker.isEmpty() ? List.of() : List.of(blocker));

        assertThat(Statuses.frame(status, Frame.Page.TABLES).meaning()).isEqualTo(meaning);
    }

    @Test
    void theStageOfAnUnresolvedMoveIsTheSwitchover() {
        assertThat(Statuses.frame(Statuses.of("UNRESOLVED"), Frame.Page.OVERVIEW).stages())
                .filteredOn(stage -> stage.state().equals("now"))
                .extracting(Frame.Stage::name)
                .containsExactly("Switchover");
    }

    @Test
    void aLimitShowsHowFarItIs() {
        StatusReport status = new FakeMigration().status();

        Overview overview = Overview.of(status, new Samples());

        assertThat(overview.conditions())
                .containsExactly(
                        new Overview.Condition(
                                "slow",
                                "50 ms of 200 ms, target.commit.p95",
                                25,
                                "pause after 10 s",
                                "good",
                                "below"));
        assertThat(overview.wal())
                .isEqualTo(
                        new Overview.Wal(
                                "2.8 GiB of 9.3 GiB",
                                30,
                                "grows by 1.9 MiB/s, used up in about 58 min 20 s"));
    }

    @Test
    void aStepThatRunsShowsItsTimeUntilNow() {
        Instant now = Instant.parse("2026-01-02T12:00:00Z");

        assertThat(
                        Switchover.steps(
                                List.of(
                                        new Operation.Step("arm", "done", now, 0.5, null),
                                        new Operation.Step(
                                                "fence",
                                                "started",
                                                now.minusMillis(1_500),
                                                null,
                                                null),
                                        new Operation.Step("drain", "planned", null, null, null)),
                                now))
                .extracting(Switchover.Step::severity, Switchover.Step::took)
                .containsExactly(
                        tuple("good", "0.500 s"), tuple("busy", "1.5 s until now"), tuple("", ""));
    }

    @ParameterizedTest
    @CsvSource({
        "IN_SYNC, abort",
        "BACKFILLING, abort",
        "FAILED, abort",
        "REVERSIBLE, complete",
        "SWITCHING_OVER, ''",
        "UNRESOLVED, ''",
        "COMPLETED, ''"
    })
    void aMigrationCanBeEndedInPhasesThatAllowIt(String phase, String end) {
        String page = switchover(phase, "switchover", null);

        if (end.isEmpty()) {
            assertThat(page).doesNotContain("/end?kind=");
        } else {
            assertThat(page).contains("href=\"/end?kind=" + end + "\"");
        }
    }
}
