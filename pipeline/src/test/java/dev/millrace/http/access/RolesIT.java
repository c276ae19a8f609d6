package dev.millrace.http.access;

import static dev.millrace.app.ServiceScene.BEARER;
import static dev.millrace.app.ServiceScene.JSON;
import static dev.millrace.app.ServiceScene.assertProblem;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.app.FakeMigration;
import dev.millrace.app.Http.Answer;
import dev.millrace.app.ServiceScene;
import dev.millrace.spec.access.AccessSetting;
import dev.millrace.spec.access.AccessSetting.Role;
import dev.millrace.spec.access.AccessSetting.Token;
import dev.millrace.switchover.Operation;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// What each role may do, for every changing route that the service has.
class RolesIT {

    /// The least role of each change. A new route must be added here, and to the rules.
    private static final Map<String, Role> LEAST =
            Map.ofEntries(
                    Map.entry("POST /api/v1/pause", Role.OPERATOR),
                    Map.entry("POST /api/v1/resume", Role.OPERATOR),
                    Map.entry("POST /api/v1/kill", Role.OPERATOR),
                    Map.entry("POST /api/v1/throttle", Role.OPERATOR),
                    Map.entry("POST /api/v1/reconciliations", Role.OPERATOR),
                    Map.entry("DELETE /api/v1/reconciliations/{id}", Role.OPERATOR),
                    Map.entry("POST /api/v1/rebackfill", Role.OPERATOR),
                    Map.entry("POST /api/v1/repair", Role.OPERATOR),
                    Map.entry("POST /api/v1/rejected/retry", Role.OPERATOR),
                    Map.entry("POST /api/v1/rejected/skip", Role.OPERATOR),
                    Map.entry("POST /api/v1/rejected/{id}/retry", Role.OPERATOR),
                    Map.entry("POST /api/v1/rejected/{id}/skip", Role.OPERATOR),
                    Map.entry("POST /api/v1/approvals/{id}/approve", Role.APPROVER),
                    Map.entry("POST /api/v1/approvals/{id}/withdraw", Role.OPERATOR),
                    Map.entry("POST /api/v1/switchover", Role.APPROVER),
                    Map.entry("POST /api/v1/rollback", Role.APPROVER),
                    Map.entry("POST /api/v1/resolve", Role.APPROVER),
                    Map.entry("POST /api/v1/complete", Role.APPROVER),
                    Map.entry("POST /api/v1/abort", Role.APPROVER));

    @AutoClose private static ServiceScene scene;

    @BeforeAll
    static void start() throws Exception {
        scene =
                ServiceScene.named(
                        new AccessSetting(
                                Stream.of(Role.values())
                                        .map(
                                                role ->
                                                        new Token(
                                                                "a-" + role.id(),
                                                                role,
                                                                Token.hashOf(role.id() + "-token")))
                                        .toList(),
                                1,
                                Optional.empty()));
    }

    private static String bearer(Role role) {
        return "Authorization: Bearer " + role.id() + "-token";
    }

    private record Attempt(String route, Role role) {

        Answer send(String body) {
            String path = route.replaceFirst(".* ", "").replace("{id}", "7");
            return scene.http.send(route.replaceFirst(" .*", ""), path, body, JSON, bearer(role));
        }
    }

    private static Stream<Attempt> attempts() {
        return LEAST.keySet().stream()
                .sorted()
                .flatMap(route -> Stream.of(Role.values()).map(role -> new Attempt(route, role)));
    }

    @Test
    void everyChangingRouteHasARule() {
        assertThat(scene.changes()).isEqualTo(new TreeSet<>(LEAST.keySet()));
        assertThat(scene.changes())
                .allMatch(
                        route ->
                                RouteRules.isRuled(
                                        route.replaceFirst(" .*", ""),
                                        route.replaceFirst(".* ", "").replace("{id}", "7")));
    }

    private static final Pattern FORM =
            Pattern.compile("<form data-action=\"([^\"]+)\"([^>]*)>\\s*<fieldset( disabled)?>");

    /// A form of a page, as a person with a role sees it.
    private record Form(String method, String action, String body, boolean disabled) {

        static Stream<Form> on(String page) {
            Matcher found = FORM.matcher(page);
            List<Form> forms = new ArrayList<>();
            while (found.find()) {
                forms.add(
                        new Form(
                                attribute(found.group(2), "method", "POST"),
                                found.group(1),
                                attribute(found.group(2), "fixed", "{}"),
                                found.group(3) != null));
            }
            assertThat(page.split("<form data-action", -1)).hasSize(forms.size() + 1);
            return forms.stream();
        }

        private static String attribute(String attributes, String name, String otherwise) {
            Matcher found = Pattern.compile(" data-" + name + "=\"([^\"]*)\"").matcher(attributes);
            return found.find() ? found.group(1).replace("&#34;", "\"") : otherwise;
        }
    }

    private static Stream<String> pages() {
        scene.migration.reconcile(List.of());
        scene.migration.repairState = Operation.State.RUNNING;
        return Stream.of(
                "/",
                "/tables",
                "/table?name=crm.customer",
                "/reconciliations",
                "/reconciliation?id=" + scene.migration.different(),
                "/repair?id=" + FakeMigration.REPAIR,
                "/switchover",
                "/end?kind=abort",
                "/rejected",
                "/rejected/7");
    }

    @ParameterizedTest
    @EnumSource(Role.class)
    void aFormIsDisabledExactlyWhenTheServiceRefusesIt(Role role) {
        List<Form> forms =
                pages().flatMap(page -> Form.on(scene.http.get(page, bearer(role)).body()))
                        .distinct()
                        .toList();

        assertThat(forms).hasSizeGreaterThan(18);
        for (Form form : forms) {
            Answer answer =
                    scene.http.send(
                            form.method(),
                            form.action().replace("{id}", "7"),
                            form.body(),
                            JSON,
                            bearer(role));
            assertThat(answer.status() == 403).as(form.toString()).isEqualTo(form.disabled());
        }
        assertThat(forms.stream().filter(Form::disabled).count())
                .isEqualTo(
                        switch (role) {
                            case VIEWER -> forms.size();
                            case OPERATOR -> 2;
                            case APPROVER -> 0;
                        });
    }

    /// The console disables what this refuses.
    @Test
    void theRulesKnowTheRoleOfEachChange() {
        assertThat(LEAST)
                .allSatisfy(
                        (route, role) ->
                                assertThat(
                                                RouteRules.ofChange(
                                                        route.replaceFirst(" .*", ""),
                                                        route.replaceFirst(".* ", ""),
                                                        false))
                                        .as(route)
                                        .isEqualTo(role));
        assertThat(RouteRules.ofChange("POST", "/api/v1/complete", true)).isEqualTo(Role.OPERATOR);
    }

    @ParameterizedTest
    @MethodSource("attempts")
    void aChangeNeedsItsRole(Attempt attempt) {
        Answer answer =
                attempt.send(
                        attempt.route().endsWith("resolve") ? "{\"answer\": \"routed\"}" : "{}");

        if (attempt.role().includes(LEAST.getOrDefault(attempt.route(), Role.VIEWER))) {
            assertThat(answer.status()).isNotIn(401, 403, 500);
        } else {
            assertProblem(answer, 403);
            assertThat(answer.json().path("detail").asString())
                    .contains("a-" + attempt.role().id(), attempt.role().id(), "Ask a person");
        }
    }

    /// Nothing is changed by a dry run, or by going back while an operation runs.
    @ParameterizedTest
    @ValueSource(
            strings = {
                "switchover {\"dryRun\": true}",
                "switchover {\"cancel\": true}",
                "rollback {\"dryRun\": true}",
                "rollback {\"cancel\": true}",
                "complete {\"dryRun\": true}",
                "abort {\"dryRun\": true}",
                "resolve {\"dryRun\": true, \"answer\": \"routed\", \"reason\": \"r\"}"
            })
    void anOperatorMayTryWhatAnApproverMayDo(String call) {
        String[] parts = call.split(" ", 2);

        assertThat(new Attempt("POST /api/v1/" + parts[0], Role.OPERATOR).send(parts[1]).status())
                .isIn(200, 202);
        assertProblem(new Attempt("POST /api/v1/" + parts[0], Role.VIEWER).send(parts[1]), 403);
    }

    @ParameterizedTest
    @ValueSource(strings = {"POST", "PUT", "PATCH", "DELETE"})
    void aChangeWithoutARuleNeedsTheHighestRole(String method) {
        assertProblem(
                scene.http.send(method, "/api/v1/nothing", "{}", JSON, bearer(Role.OPERATOR)), 403);
        assertThat(
                        scene.http
                                .send(method, "/api/v1/nothing", "{}", JSON, bearer(Role.APPROVER))
                                .status())
                .isIn(404, 405);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/",
                "/settings",
                "/api/v1/status",
                "/api/v1/journal",
                "/actuator/prometheus"
            })
    void aViewerMayReadAndNobodyElseWithoutAToken(String path) {
        assertThat(scene.http.get(path, bearer(Role.VIEWER)).status()).isEqualTo(200);
        assertProblem(scene.http.get(path), 401);
        assertProblem(scene.http.get(path, "Host: localhost"), 401);
    }

    /// The tokens of the file are instead of the one that everybody has.
    @Test
    void theTokenOfTheEnvironmentIsNoneOfTheFile() {
        assertProblem(scene.http.get("/api/v1/status", BEARER), 401);
    }

    /// A person who reads the file cannot use the service.
    @Test
    void aHashIsNoToken() {
        for (String hash :
                List.of(
                        Token.hashOf("approver-token"),
                        "sha256:" + Token.hashOf("approver-token"),
                        "approver-toke",
                        "approver-tokenx",
                        "Approver-token")) {
            assertProblem(scene.http.get("/api/v1/status", "Authorization: Bearer " + hash), 401);
        }
    }

    @Test
    void theJournalHasTheNameOfTheToken() {
        scene.http.post(
                "/api/v1/pause",
                "{\"what\": [\"apply\"], \"who\": \"mallory\"}",
                JSON,
                bearer(Role.OPERATOR));

        assertThat(scene.migration.changes.getLast().who()).contains("a-operator");
    }
}
