package dev.millrace.console;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.app.FakeMigration;
import dev.millrace.app.ServiceScene;
import dev.millrace.flow.FlowChange;
import dev.millrace.flow.FlowChange.Action;
import dev.millrace.flow.FlowChange.Part;
import dev.millrace.migration.MigrationControl.Asker;
import dev.millrace.migration.StatusReport;
import dev.millrace.migration.StatusReport.Lag;
import dev.millrace.repair.Repair;
import dev.millrace.spec.access.AccessSetting;
import dev.millrace.spec.access.AccessSetting.Role;
import dev.millrace.spec.access.AccessSetting.Token;
import dev.millrace.switchover.Gate;
import dev.millrace.switchover.Operation;
import dev.millrace.switchover.SwitchoverRequest;
import dev.millrace.verdict.Reconciliations.Unfinished;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// The console in a browser: how it looks, whether people can use it, and what its buttons send.
/// The pictures are in `target/console`.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ConsoleInBrowserIT {

    private static final Path PICTURES = Path.of("target", "console");

    private ServiceScene scene;
    private Browser browser;
    private UUID report;

    @BeforeAll
    void start(@TempDir Path folder) throws Exception {
        browser = Browser.start(folder);
        scene = ServiceScene.over(new FakeMigration());
        scene.migration.operation =
                new Operation(
                        null,
                        Operation.Kind.SWITCHOVER,
                        Operation.State.DRY_RUN,
                        List.of(
                                new Operation.Step(
                                        "fence", "planned", null, null, "Refuse writes.")),
                        List.of(
                                new Gate("phase", "IN_SYNC", "IN_SYNC", true, false, ""),
                                new Gate(
                                        "verdict",
                                        "none",
                                        "equal, of all tables",
                                        false,
                                        false,
                                        "No reconciliation has finished. Run 'millrace"
                                                + " reconcile'.")),
                        null,
                        null);
        scene.migration.cancelReconciliation(scene.migration.reconcile(List.of()), Asker.NOBODY);
        scene.migration.reconcile(List.of());
        report = scene.migration.different();
        scene.migration.logLines = 3;
        scene.migration.line =
                "{\"partition\":1,\"offset\":%1$d,\"index\":0,\"kind\":\"update\","
                        + "\"lsn\":\"0/%1$d\",\"token\":\"1:%1$d:0\","
                        + "\"row\":{\"full_name\":\"Ada\",\"note\":null}}";
        Files.createDirectories(PICTURES);
    }

    @AfterAll
    void close() {
        if (scene != null) {
            scene.close();
        }
        if (browser != null) {
            browser.close();
        }
    }

    @AfterEach
    void nothingWentWrongInTheBrowser() {
        assertThat(browser.errors()).isEmpty();
        assertThat(browser.requests())
                .allMatch(
                        address ->
                                address.startsWith(address("/")) || address.equals("about:blank"));
        scene.migration.changes.clear();
        scene.migration.switchovers.clear();
    }

    private String address(String path) {
        return "http://127.0.0.1:" + scene.http.port() + path;
    }

    private String answer() {
        browser.await("document.querySelector('#answer').textContent");
        return browser.value("document.querySelector('#answer').textContent");
    }

    private Stream<Arguments> pages() {
        return Stream.concat(
                Stream.of(Frame.Page.values())
                        .map(
                                page ->
                                        Arguments.of(
                                                page.name().toLowerCase(Locale.ROOT), page.path())),
                Stream.of(
                        Arguments.of("table", "/table?name=crm.customer"),
                        Arguments.of("way", "/log?table=crm.customer&key=8"),
                        Arguments.of("end", "/end?kind=abort"),
                        Arguments.of("reconciliation", "/reconciliation?id=" + report),
                        Arguments.of("repair", "/repair?id=" + FakeMigration.REPAIR)));
    }

    @ParameterizedTest
    @MethodSource("pages")
    void aPageFitsPhonesAndDesksInLightAndDark(String name, String path) throws Exception {
        scene.migration.repairState = Operation.State.DRY_RUN;
        for (int width : List.of(400, 1280)) {
            for (boolean dark : List.of(false, true)) {
                browser.look(width, dark);
                browser.open(address(path));
                browser.picture(
                        PICTURES.resolve(
                                "%s-%d-%s.png".formatted(name, width, dark ? "dark" : "light")));

                assertThat(browser.value("document.documentElement.scrollWidth"))
                        .as("no part is wider than the page")
                        .isEqualTo(String.valueOf(width));
                assertThat(browser.seriousViolations()).isEqualTo("[]");
            }
        }
    }

    /// Only for people who look at the pictures, with `-Dconsole.pictures`.
    @ParameterizedTest
    @ValueSource(
            strings = {
                "PLANNED",
                "BACKFILLING",
                "IN_SYNC",
                "SWITCHING_OVER",
                "REVERSIBLE",
                "UNRESOLVED",
                "FAILED",
                "COMPLETED"
            })
    @EnabledIfSystemProperty(named = "console.pictures", matches = ".*")
    void theOverviewAndTheSwitchoverOfEachPhaseFit(String phase) throws Exception {
        String back = phase.equals("REVERSIBLE") ? "reverse-" : "";
        scene.migration.phase = phase;
        scene.migration.parts =
                Stream.of(
                                "source",
                                back + "capture",
                                "kafka",
                                back + "mappings",
                                back + "applier",
                                "target")
                        .map(
                                name ->
                                        new StatusReport.Part(
                                                name, "running", true, FakeMigration.NOON))
                        .toList();
        try {
            for (Frame.Page page : List.of(Frame.Page.OVERVIEW, Frame.Page.SWITCHOVER)) {
                aPageFitsPhonesAndDesksInLightAndDark(
                        (phase + "-" + page.name()).toLowerCase(Locale.ROOT), page.path());
            }
        } finally {
            scene.migration.phase = "CATCHING_UP";
            scene.migration.parts = new FakeMigration().parts;
        }
    }

    @Test
    void aPageShowsNewValuesByItself() {
        browser.open(address("/"));

        scene.migration.lag = new Lag(2_048L, 123_456L, 1.5, null);

        browser.await("document.body.textContent.includes('123,456 changes')");
    }

    @Test
    void aServiceThatDoesNotAnswerIsNamed() throws Exception {
        try (ServiceScene other = ServiceScene.over(new FakeMigration())) {
            browser.open("http://127.0.0.1:" + other.http.port() + "/");
        }

        browser.await("!document.querySelector('#stale').hidden");
        assertThat(browser.value("document.querySelector('#stale').textContent"))
                .contains("does not answer", "The values are from");
        // The requests that failed, also to the port of the other service.
        browser.open(address("/"));
        browser.forget();
    }

    @Test
    void updatesCanBePaused() {
        browser.open(address("/"));
        browser.await("heard");
        browser.click("#updates");
        scene.migration.lag = new Lag(1L, 77_777L, 1.5, null);

        browser.await("waiting");
        assertThat(browser.value("document.body.textContent")).doesNotContain("77,777");
        browser.click("#updates");
        browser.await("document.body.textContent.includes('77,777 changes')");
    }

    /// A proxy may not let events through.
    @Test
    void aPageWithoutEventsAsksForItsValues() {
        browser.open(address("/"));
        browser.await("heard");
        browser.value("stream.close(); heard = 0");
        scene.migration.lag = new Lag(1L, 88_888L, 1.5, null);

        browser.await("document.body.textContent.includes('88,888 changes')");
        assertThat(browser.requests()).contains(address("/?part=live"));
    }

    @Test
    void aPageIsReadableWithoutScripts() {
        browser.scripts(false);
        try {
            browser.open(address("/switchover"));
        } finally {
            browser.scripts(true);
        }

        assertThat(browser.value("document.querySelector('main').textContent"))
                .contains("1 of 2 gates are closed", "millrace reconcile");
    }

    @Test
    void buttonsSendWhatTheirCommandsSend() {
        browser.open(address("/"));
        browser.submit("form[data-action$=pause]", Map.of("[name=reason]", "the \"peak\" hour"));

        assertThat(answer()).isEqualTo("done as asked");
        browser.submit("#flow ~ form[data-action$=throttle]", Map.of("[name=limit]", "5000"));
        Awaitility.await().until(() -> scene.migration.changes.size() == 2);
        assertThat(scene.migration.changes)
                .containsExactly(
                        new FlowChange(
                                new Action.Pause(Part.BACKFILL),
                                "the \"peak\" hour",
                                Optional.empty(),
                                Optional.empty(),
                                false),
                        new FlowChange(
                                new Action.Throttle(OptionalLong.of(5_000)),
                                "",
                                Optional.empty(),
                                Optional.empty(),
                                false));
    }

    @ParameterizedTest
    @MethodSource("stops")
    void writesAreStoppedFromTheOverview(String form, Action expected) {
        browser.open(address("/"));
        browser.submit("#stop-writes " + form, Map.of());

        assertThat(answer()).isEqualTo("done as asked");
        assertThat(scene.migration.changes)
                .extracting(FlowChange::action)
                .containsExactly(expected);
    }

    static List<Arguments> stops() {
        return List.of(
                Arguments.of("form[data-action$=pause]", new Action.Pause(Part.APPLY)),
                Arguments.of(
                        "form[data-fixed*=apply][data-action$=resume]",
                        new Action.Resume(Part.APPLY)),
                Arguments.of("form[data-action$=kill]", new Action.Kill()),
                Arguments.of(
                        "form[data-fixed*=all]", new Action.Resume(EnumSet.allOf(Part.class))));
    }

    @Test
    void aRefusalIsShown() {
        scene.migration.refusal = "The backfill is finished";
        try {
            browser.open(address("/"));
            browser.submit("form[data-action$=resume]", Map.of());

            assertThat(answer()).isEqualTo("Refused: The backfill is finished.");
        } finally {
            scene.migration.refusal = null;
        }
        // The browser reports the status 409 of the answer.
        browser.forget();
    }

    @Test
    void theTrafficMovesOnlyWhenTheNameWasTyped() {
        String form = "form[data-action$=switchover][data-phased]";
        browser.open(address("/switchover"));
        browser.submit(form, Map.of("[name=reason]", "release 7", "[data-typed]", "shopp"));

        assertThat(answer()).isEqualTo("Nothing was changed: type shop to confirm.");
        assertThat(scene.migration.switchovers)
                .allMatch(asked -> asked.action() == SwitchoverRequest.Action.DRY_RUN);

        browser.submit(form, Map.of("[data-typed]", "shop"));
        Awaitility.await()
                .until(
                        () ->
                                scene.migration.switchovers.stream()
                                        .anyMatch(
                                                asked ->
                                                        asked.action()
                                                                == SwitchoverRequest.Action.MOVE));
        SwitchoverRequest asked =
                scene.migration.switchovers.stream()
                        .filter(each -> each.action() == SwitchoverRequest.Action.MOVE)
                        .findFirst()
                        .orElseThrow();
        assertThat(asked.reason()).isEqualTo("release 7");
        assertThat(asked.expectedPhase()).contains("CATCHING_UP");
        assertThat(asked.requestKey()).isPresent();
    }

    /// The form is older than the phase that the page shows by now.
    @Test
    void aFormOfAnotherPhaseSendsNothing() {
        browser.open(address("/switchover"));
        browser.click("#updates");
        browser.value("document.querySelector('#live').dataset.verb = 'rollback'");

        browser.submit(
                "form[data-action$=switchover][data-phased]",
                Map.of("[name=reason]", "release 7", "[data-typed]", "shop"));

        assertThat(answer()).contains("Nothing was changed: the phase has changed");
        assertThat(scene.migration.switchovers)
                .allMatch(asked -> asked.action() == SwitchoverRequest.Action.DRY_RUN);
    }

    private static Stream<Arguments> forms() {
        return Stream.of(
                Arguments.of(
                        "/",
                        "#stop ~ form[data-action$=throttle]",
                        Map.of("[name=limit]", "700"),
                        "POST /api/v1/throttle {\"what\":[\"apply\"],\"rowsPerSecond\":700}"),
                Arguments.of(
                        "/reconciliations",
                        "form[data-fixed*=incremental]",
                        Map.of(),
                        "POST /api/v1/reconciliations {\"tables\":[],\"incremental\":true}"),
                Arguments.of(
                        "/reconciliations",
                        "form[data-action$=repair][data-phased]",
                        Map.of("[name=reason]", "r"),
                        "POST /api/v1/repair {\"expectedPhase\":\"CATCHING_UP\",\"reason\":\"r\"}"),
                Arguments.of(
                        "/table?name=crm.note",
                        "form[data-action$=reconciliations]",
                        Map.of(),
                        "POST /api/v1/reconciliations {\"tables\":[\"crm.note\"]}"),
                Arguments.of(
                        "/table?name=crm.customer",
                        "form[data-action$=resume]",
                        Map.of("[name=reason]", "r"),
                        "POST /api/v1/resume {\"table\":\"crm.customer\",\"reason\":\"r\"}"),
                Arguments.of(
                        "/repair?id=" + FakeMigration.REPAIR,
                        "form[data-action$=repair]",
                        Map.of(),
                        "POST /api/v1/repair {\"cancel\":true}"),
                Arguments.of(
                        "/tables",
                        "form[data-action$=resume]",
                        Map.of("[name=table]", "crm.note"),
                        "POST /api/v1/resume {\"table\":\"crm.note\"}"));
    }

    @ParameterizedTest
    @MethodSource("forms")
    void aFormSendsItsFields(String page, String form, Map<String, String> fields, String sent) {
        scene.migration.repairState = Operation.State.RUNNING;
        browser.open(address(page));
        browser.submit(form, fields);

        answer();
        assertThat(browser.posts()).endsWith(sent);
        browser.forget();
    }

    @Test
    void aLimitIsInMegabytesToo() {
        String form = "#flow ~ form[data-action$=throttle]";
        browser.open(address("/"));
        browser.value("document.querySelector('" + form + " select').selectedIndex = 1");
        browser.submit(form, Map.of("[name=limit]", "20"));

        assertThat(answer()).isEqualTo("done as asked");
        assertThat(browser.posts())
                .endsWith(
                        "POST /api/v1/throttle"
                                + " {\"what\":[\"backfill\"],\"bytesPerSecond\":20971520}");
    }

    @Test
    void aViewerSeesWhatARoleIsNeededFor() throws Exception {
        try (ServiceScene named =
                ServiceScene.named(
                        new AccessSetting(
                                List.of(
                                        new Token(
                                                "ann", Role.VIEWER, Token.hashOf("viewer-token"))),
                                1,
                                Optional.empty()))) {
            browser.open("http://127.0.0.1:" + named.http.port() + "/");
            browser.follow("form[action='/login']", Map.of("[name=token]", "viewer-token"));
            browser.picture(PICTURES.resolve("viewer-1280-light.png"));

            assertThat(
                            browser.value(
                                    "document.querySelectorAll('form[data-action]"
                                            + " :is(button, input, select):enabled').length"))
                    .isEqualTo("0");
            assertThat(browser.value("document.querySelector('#stop-writes').textContent"))
                    .contains("Needs the role operator.");
            assertThat(browser.seriousViolations()).isEqualTo("[]");
        }
        browser.open(address("/"));
        browser.forget();
    }

    /// The page goes on by itself although its button was pressed.
    @Test
    void aComparisonIsCancelledFromThePage() {
        for (Unfinished each : scene.migration.unfinishedReconciliations()) {
            scene.migration.cancelReconciliation(each.id(), Asker.NOBODY);
        }
        scene.migration.reconcile(List.of());
        browser.open(address("/reconciliations"));
        browser.value("document.querySelector('form[data-method=DELETE] button').focus()");

        browser.submit("form[data-method=DELETE]", Map.of());

        assertThat(answer()).isEqualTo("The service has accepted the request.");
        browser.await("!document.querySelector('form[data-method=DELETE]')");
        assertThat(scene.migration.unfinishedReconciliations()).isEmpty();
        scene.migration.reconcile(List.of());
    }

    @Test
    void aReportLeadsToTheRepairByItsDryRun() {
        scene.migration.repairs.clear();
        scene.migration.repairState = Operation.State.DRY_RUN;
        browser.open(address("/reconciliation?id=" + report));
        browser.follow("form[data-action$=repair]", Map.of());
        assertThat(browser.value("location.pathname")).isEqualTo("/repair");

        browser.follow(
                "form[data-action$=repair][data-phased]", Map.of("[name=reason]", "a bad script"));

        assertThat(scene.migration.repairs)
                .extracting(Repair.Request::tables)
                .containsOnly(List.of("crm.note"));
        assertThat(scene.migration.repairs)
                .extracting(Repair.Request::dryRun)
                .containsExactly(true, false);
        assertThat(scene.migration.repairs.getLast().expectedPhase()).contains("CATCHING_UP");
    }
}
