/// Who may send which request: which requests a browser may send for a page, who the caller is, and
/// which role each route needs. Spring Security runs these decisions.
@NullMarked
package dev.millrace.http.access;

import org.jspecify.annotations.NullMarked;
