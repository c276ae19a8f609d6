package dev.millrace.http;

import static dev.millrace.app.ServiceScene.JSON;
import static dev.millrace.app.ServiceScene.assertProblem;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.app.Http.Answer;
import dev.millrace.app.ServiceScene;
import dev.millrace.approval.Approvals;
import dev.millrace.control.ControlSchema;
import dev.millrace.control.approval.ApprovalLog;
import dev.millrace.control.approval.ApprovalStore;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.postgres.Database;
import dev.millrace.spec.access.AccessSetting;
import dev.millrace.spec.access.AccessSetting.Role;
import dev.millrace.spec.access.AccessSetting.Token;
import dev.millrace.switchover.SwitchoverRequest.Action;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// What needs two approvers, over a real control schema.
class ApprovalsIT {

    private static final TestDatabase TARGET = PostgresServer.shared().newDatabase();
    private static final Login LOGIN = GrantedLogins.target(TARGET);
    private static final Database CONTROL = LOGIN.database("shop");

    @AutoClose private static ServiceScene scene;

    private Instant now = Instant.parse("2026-01-02T12:00:00Z");

    @BeforeAll
    static void start() throws Exception {
        ControlSchema.migrate(() -> LOGIN.session("control"));
        scene =
                ServiceScene.named(
                        new AccessSetting(
                                Stream.of("ann", "bob", "olga")
                                        .map(
                                                name ->
                                                        new Token(
                                                                name,
                                                                name.equals("olga")
                                                                        ? Role.OPERATOR
                                                                        : Role.APPROVER,
                                                                Token.hashOf(name + "-token")))
                                        .toList(),
                                2,
                                Optional.empty()));
    }

    @AfterAll
    static void close() {
        CONTROL.close();
    }

    @BeforeEach
    void begin() throws Exception {
        TARGET.execute("DELETE FROM millrace.approval");
        restart();
        scene.migration.refusal = null;
        scene.migration.switchovers.clear();
        scene.migration.ends.clear();
    }

    private void restart() throws Exception {
        scene.migration.approvals = Approvals.open(new ApprovalStore(CONTROL, "shop"), () -> now);
    }

    private static Answer post(String who, String path, String body, String... more) {
        return scene.http.post(
                "/api/v1/" + path,
                body,
                Stream.concat(
                                Stream.of(JSON, "Authorization: Bearer " + who + "-token"),
                                Stream.of(more))
                        .toArray(String[]::new));
    }

    private static String ask(String who, String verb, String body) {
        Answer answer = post(who, verb, body);
        assertThat(answer.status()).as(answer.body()).isEqualTo(202);
        assertThat(answer.json().path("operation").isNull()).isTrue();
        return answer.json().path("approval").path("id").asString();
    }

    private static Answer approve(String who, String id) {
        return post(who, "approvals/" + id + "/approve", "{}");
    }

    private static List<Action> moves() {
        return scene.migration.switchovers.stream()
                .map(request -> request.action())
                .filter(action -> action != Action.DRY_RUN)
                .toList();
    }

    private static String journal() {
        return String.valueOf(
                TARGET.value(
                        "SELECT string_agg(who || ' ' || event, ', ' ORDER BY number) FROM (SELECT * FROM"
                                + " millrace.journal ORDER BY number DESC LIMIT 2) AS last"));
    }

    @Test
    void aSecondApproverBeginsWhatTheFirstAskedFor() {
        String id =
                ask(
                        "ann",
                        "switchover",
                        "{\"reason\": \"tonight\", \"force\": [\"verdict\"], \"expectedPhase\":"
                                + " \"IN_SYNC\"}");
        assertThat(moves()).isEmpty();

        Answer answer = approve("bob", id);

        assertThat(answer.status()).as(answer.body()).isEqualTo(202);
        assertThat(answer.json().path("operation").path("kind").asString()).isEqualTo("switchover");
        assertThat(moves()).containsExactly(Action.MOVE);
        var request = scene.migration.switchovers.getLast();
        assertThat(request.who()).contains("ann, approved by bob");
        assertThat(request.reason()).isEqualTo("tonight");
        assertThat(request.forced()).containsExactly("verdict");
        assertThat(request.expectedPhase()).contains("IN_SYNC");
        assertThat(journal()).isEqualTo("ann approval-asked, bob approval-given");
        assertProblem(approve("bob", id), 404);
        assertThat(moves()).hasSize(1);
    }

    @Test
    void nobodyApprovesTheirOwnRequest() {
        String id = ask("ann", "switchover", "{}");

        assertProblem(approve("ann", id), 409);
        assertProblem(post("ann", "switchover", "{}"), 409);
        assertThat(moves()).isEmpty();
        assertThat(TARGET.value("SELECT string_agg(state, ',') FROM millrace.approval"))
                .isEqualTo("pending");
    }

    /// The console disables what the service refuses.
    @Test
    void thePageLetsOnlyOthersApprove() {
        String id = ask("ann", "switchover", "{}");

        assertThat(form("ann", id, "approve")).contains("Another approver must approve it.");
        assertThat(form("ann", id, "withdraw")).doesNotContain("disabled");
        for (String who : List.of("ann", "olga", "bob")) {
            String form = form(who, id, "approve");
            assertThat(form.contains("<fieldset disabled>"))
                    .as(form)
                    .isEqualTo(approve(who, id).status() != 202);
        }
    }

    private static String form(String who, String id, String verb) {
        String page =
                scene.http.get("/switchover", "Authorization: Bearer " + who + "-token").body();
        int start = page.indexOf("<form data-action=\"/api/v1/approvals/" + id + "/" + verb);
        return page.substring(start, page.indexOf("</form>", start));
    }

    /// Each of them is one person more, not one role less.
    @Test
    void anOperatorNeitherAsksNorApproves() {
        assertProblem(post("olga", "switchover", "{}"), 403);
        String id = ask("ann", "switchover", "{}");

        assertProblem(approve("olga", id), 403);
        assertThat(post("olga", "switchover", "{\"dryRun\": true}").status()).isEqualTo(200);
        assertThat(post("olga", "switchover", "{\"cancel\": true}").status()).isEqualTo(202);
        assertThat(moves()).containsExactly(Action.CANCEL);
    }

    @ParameterizedTest
    @CsvSource({"complete, COMPLETE", "abort, ABORT"})
    void theEndOfAMigrationNeedsTwoToo(String verb, String kind) {
        String id = ask("ann", verb, verb.equals("complete") ? "{\"renameOld\": \"_old\"}" : "{}");
        assertThat(scene.migration.ends).allMatch(request -> request.dryRun());

        Answer answer = approve("bob", id);

        assertThat(answer.status()).as(answer.body()).isEqualTo(202);
        var request = scene.migration.ends.getLast();
        assertThat(request.dryRun()).isFalse();
        assertThat(request.kind().name()).isEqualTo(kind);
        assertThat(request.who()).contains("ann, approved by bob");
        assertThat(request.renameOld().isPresent()).isEqualTo(verb.equals("complete"));
    }

    /// An approval is for one request, not for the person or for any operation.
    @Test
    void anApprovalOfOneOperationIsNoneOfAnother() {
        String switchover = ask("ann", "switchover", "{}");
        String rollback = ask("bob", "rollback", "{}");

        assertProblem(approve("bob", rollback), 409);
        assertThat(approve("bob", switchover).status()).isEqualTo(202);

        assertThat(scene.migration.switchovers.getLast().kind().id()).isEqualTo("switchover");
        assertThat(moves()).hasSize(1);
        assertThat(approve("ann", rollback).status()).isEqualTo(202);
        assertThat(scene.migration.switchovers.getLast().kind().id()).isEqualTo("rollback");
    }

    @Test
    void aRequestSurvivesARestartOfTheService() throws Exception {
        String id = ask("ann", "switchover", "{\"reason\": \"tonight\"}");

        restart();

        assertProblem(approve("ann", id), 409);
        assertThat(approve("bob", id).status()).isEqualTo(202);
        assertThat(scene.migration.switchovers.getLast().reason()).isEqualTo("tonight");
        restart();
        assertProblem(approve("bob", id), 404);
    }

    @Test
    void aRequestExpires() throws Exception {
        String id = ask("ann", "switchover", "{}");

        now = now.plus(Approvals.LIFETIME).minus(Duration.ofSeconds(1));
        assertThat(scene.http.get("/api/v1/approvals", "Authorization: Bearer bob-token").body())
                .contains(id);
        now = now.plus(Duration.ofSeconds(1));
        assertProblem(approve("bob", id), 404);
        restart();
        assertProblem(approve("bob", id), 404);
        assertThat(moves()).isEmpty();
        String next = ask("bob", "switchover", "{}");
        assertThat(next).isNotEqualTo(id);
        assertThat(journal()).isEqualTo("millrace approval-expired, bob approval-asked");
    }

    /// Two processes, or two requests at the same time.
    @Test
    void theStoreApprovesOnlyOnceAndNeverTheRequester() throws Exception {
        String id = ask("ann", "switchover", "{}");
        Approvals other = Approvals.open(new ApprovalStore(CONTROL, "shop"), () -> now);
        assertThat(approve("bob", id).status()).isEqualTo(202);

        assertThatThrownBy(
                        () ->
                                other.approve(
                                        UUID.fromString(id),
                                        new Approvals.Person("carl", "carl"),
                                        "",
                                        "IN_SYNC",
                                        (_, _) -> "begun"))
                .hasMessageContaining("No request with this id waits");
        assertThatThrownBy(
                        () -> TARGET.execute("UPDATE millrace.approval SET approver = requester"))
                .hasMessageContaining("check");
    }

    /// The memory of this process still has the request that another process approved.
    @Test
    void aRequestThatAnotherProcessApprovedCannotBeWithdrawn() throws Exception {
        String id = ask("ann", "switchover", "{}");
        Approvals other = Approvals.open(new ApprovalStore(CONTROL, "shop"), () -> now);
        assertThat(approve("bob", id).status()).isEqualTo(202);

        assertThatThrownBy(
                        () ->
                                other.withdraw(
                                        UUID.fromString(id),
                                        new Approvals.Person("ann", "ann"),
                                        "",
                                        "IN_SYNC"))
                .hasMessageContaining("No request with this id waits");
    }

    /// The stored approval would be used up, and nothing would have begun.
    @Test
    void anApprovalBeginsAlsoIfTheRequestsCannotBeReadAfterwards() throws Exception {
        String id = ask("ann", "switchover", "{}");
        Unreadable log = new Unreadable(new ApprovalStore(CONTROL, "shop"));
        Approvals approvals = Approvals.open(log, () -> now);
        log.readable = false;

        assertThat(
                        approvals.<String>approve(
                                UUID.fromString(id),
                                new Approvals.Person("bob", "bob"),
                                "",
                                "IN_SYNC",
                                (_, _) -> "begun"))
                .isEqualTo("begun");
        assertThat(approvals.pending()).isEmpty();
    }

    /// The answer to the change was lost, so the memory of this process lacks the request.
    @Test
    void aRequestThatIsOnlyStoredIsFoundWhenItIsAskedForAgain() throws Exception {
        Approvals other = Approvals.open(new ApprovalStore(CONTROL, "shop"), () -> now);
        ask("ann", "switchover", "{}");

        assertThatThrownBy(
                        () ->
                                other.ask(
                                        new Approvals.Asked(
                                                "switchover",
                                                Set.of(),
                                                "",
                                                Optional.empty(),
                                                Optional.empty(),
                                                Optional.empty()),
                                        new Approvals.Person("ann", "ann"),
                                        "IN_SYNC"))
                .hasMessageContaining("waits already for an approval");
    }

    /// A store whose requests cannot be read any more.
    private static final class Unreadable implements ApprovalLog {

        private final ApprovalStore store;
        private boolean readable = true;

        Unreadable(ApprovalStore store) {
            this.store = store;
        }

        @Override
        public void ask(Request request, Note note) throws SQLException {
            store.ask(request, note);
        }

        @Override
        public List<Request> pending() throws SQLException {
            if (!readable) {
                throw new SQLException("the connection was lost", "08006");
            }
            return store.pending();
        }

        @Override
        public boolean approve(UUID id, String approver, Instant at, Note note)
                throws SQLException {
            return store.approve(id, approver, at, note);
        }

        @Override
        public boolean settle(UUID id, String from, String to, Note note) throws SQLException {
            return store.settle(id, from, to, note);
        }
    }

    @Test
    void whatIsRefusedNowDoesNotWait() {
        scene.migration.refusal = "The phase is BACKFILLING";

        assertProblem(post("ann", "switchover", "{}"), 409);
        assertProblem(post("ann", "complete", "{}"), 409);
        assertThat(scene.migration.approvals.pending()).isEmpty();
    }

    /// For example a gate that has closed meanwhile.
    @Test
    void aRefusedBeginningKeepsTheRequest() {
        String id = ask("ann", "switchover", "{}");
        scene.migration.refusal = "Gate lag is closed";

        assertProblem(approve("bob", id), 409);
        assertThat(journal()).isEqualTo("bob approval-given, millrace approval-unused");
        scene.migration.refusal = null;
        assertThat(approve("bob", id).status()).isEqualTo(202);
    }

    @Test
    void theSameRequestWaitsOnce() {
        String key = "Idempotency-Key: k-1";
        Answer first = post("ann", "rollback", "{}", key);

        assertThat(post("ann", "rollback", "{}", key).json()).isEqualTo(first.json());
        assertProblem(post("bob", "rollback", "{}", key), 409);
        assertThat(scene.migration.approvals.pending()).hasSize(1);
    }

    @Test
    void aWithdrawnRequestIsOver() {
        String id = ask("ann", "switchover", "{}");
        Answer dry = post("olga", "approvals/" + id + "/withdraw", "{\"dryRun\": true}");
        assertThat(dry.json().path("operation").path("outcome").asString())
                .isEqualTo("the request is withdrawn; nothing has begun");
        assertThat(scene.migration.approvals.pending()).hasSize(1);

        assertThat(post("olga", "approvals/" + id + "/withdraw", "{}").status()).isEqualTo(200);

        assertProblem(approve("bob", id), 404);
        assertThat(moves()).isEmpty();
        assertThat(journal()).isEqualTo("ann approval-asked, olga approval-withdrawn");
    }

    @Test
    void aDryRunAnswersTheRequestAndBeginsNothing() {
        String id = ask("ann", "switchover", "{}");

        Answer answer = post("bob", "approvals/" + id + "/approve", "{\"dryRun\": true}");

        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.json().path("operation").path("outcome").asString())
                .contains("switchover, which ann asked for, waits");
        assertThat(moves()).isEmpty();
        assertThat(scene.migration.approvals.pending()).hasSize(1);
        assertProblem(
                post("bob", "approvals/" + id + "/approve", "{\"expectedPhase\": \"IN_SYNC\"}"),
                409);
    }

    @Test
    void statusAndConsoleShowWhatWaits() {
        String id = ask("ann", "switchover", "{\"reason\": \"tonight\"}");
        String viewer = "Authorization: Bearer olga-token";

        var status = scene.http.get("/api/v1/status", viewer).json();
        assertThat(status.path("warnings").toString()).contains("millrace approve " + id);
        assertThat(status.path("nextActions").toString()).contains("approve " + id);
        assertThat(scene.http.get("/switchover", viewer).body())
                .contains(
                        "Waiting for another approver: switchover",
                        "ann asked for it",
                        "tonight",
                        "data-action=\"/api/v1/approvals/" + id + "/approve\"");
        assertThat(scene.http.get("/", viewer).body()).contains("millrace approve " + id);
    }
}
