# Reference values for tests/evidence/test_metafor.py, from R metafor (pinned: see README.md).
# Usage: Rscript validation/metafor/run.R our_groups.json > tests/evidence/data/metafor.json
suppressMessages({library(metafor); library(jsonlite)})
args <- commandArgs(trailingOnly = TRUE)
# threshold is an absolute change of tau2 (default 1e-5); tol is that of the root for PM
tight <- function(yi) list(threshold = 1e-11 * max(1, var(yi)), maxiter = 100000, tol = 1e-14)

from_escalc <- function(d) { ok <- !is.na(d$yi) & !is.na(d$vi); list(yi = as.numeric(d$yi[ok]), vi = as.numeric(d$vi[ok])) }
sets <- list(
  bcg            = from_escalc(escalc(measure = "RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = dat.bcg)),
  bcg_or         = from_escalc(escalc(measure = "OR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = dat.bcg)),
  bcg_first2     = from_escalc(escalc(measure = "RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = dat.bcg)[1:2, ]),
  bcg_first3     = from_escalc(escalc(measure = "RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = dat.bcg)[1:3, ]),
  normand1999    = from_escalc(escalc(measure = "MD", m1i = m1i, sd1i = sd1i, n1i = n1i, m2i = m2i, sd2i = sd2i, n2i = n2i, data = dat.normand1999)),
  raudenbush1985 = from_escalc(dat.raudenbush1985),
  hackshaw1998   = from_escalc(dat.hackshaw1998),
  li2007         = from_escalc(escalc(measure = "OR", ai = ai, n1i = n1i, ci = ci, n2i = n2i, data = dat.li2007)),
  linde2005      = from_escalc(escalc(measure = "RR", ai = ai, n1i = n1i, ci = ci, n2i = n2i, data = dat.linde2005)),
  curtis1998     = from_escalc(escalc(measure = "ROM", m1i = m1i, sd1i = sd1i, n1i = n1i, m2i = m2i, sd2i = sd2i, n2i = n2i, data = dat.curtis1998)),
  colditz_z      = from_escalc(escalc(measure = "RD", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = dat.bcg)),
  mcdaniel1994   = from_escalc(escalc(measure = "ZCOR", ri = ri, ni = ni, data = dat.mcdaniel1994))
)
ours <- fromJSON(args[1], simplifyDataFrame = FALSE)
for (name in names(ours)) sets[[name]] <- list(yi = as.numeric(ours[[name]]$yi), vi = as.numeric(ours[[name]]$vi))

cases <- list()
for (name in names(sets)) for (method in c("REML", "DL", "PM")) {
  s <- sets[[name]]
  for (test in c("adhoc", "knha", "z")) {
    m <- rma(yi = s$yi, vi = s$vi, method = method, test = test, control = tight(s$yi))
    # with test = "z" metafor's prediction interval is normal; ours keeps k - 1 degrees of freedom, which is test = "t"
    p <- predict(if (test == "z") rma(yi = s$yi, vi = s$vi, method = method, test = "t", control = tight(s$yi)) else m)
    cases[[length(cases) + 1]] <- list(set = name, method = method, test = test, k = m$k,
      estimate = as.numeric(m$beta), se = m$se, ci_low = m$ci.lb, ci_high = m$ci.ub, pi_low = p$pi.lb, pi_high = p$pi.ub,
      tau2 = m$tau2, i2 = m$I2, q = m$QE, q_p = m$QEp, weights = as.numeric(weights(m)))
  }
}

b <- escalc(measure = "RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = dat.bcg)
extra <- list()
for (method in c("REML", "DL", "PM")) {
  m <- rma(yi, vi, data = b, method = method, test = "knha", control = tight(b$yi))
  l <- leave1out(m)
  cu <- cumul(m, order = dat.bcg$year)
  r <- rma(yi, vi, mods = ~ ablat + year, data = b, method = method, test = "knha", control = tight(b$yi))
  extra[[method]] <- list(
    leave_one_out = list(estimate = l$estimate, ci_low = l$ci.lb, ci_high = l$ci.ub, tau2 = l$tau2, i2 = l$I2, q = l$Q),
    cumulative = list(order = order(dat.bcg$year), estimate = cu$estimate, tau2 = cu$tau2, i2 = cu$I2),
    regression = list(coef = as.numeric(r$beta), se = r$se, ci_low = r$ci.lb, ci_high = r$ci.ub, tau2 = r$tau2, i2 = r$I2,
                      q = r$QE, p = r$pval))
}
egger <- list()
for (name in names(sets)) if (length(sets[[name]]$yi) >= 10) {
  s <- sets[[name]]
  g <- regtest(s$yi, s$vi, model = "lm", predictor = "sei")
  egger[[name]] <- list(t = g$zval, p = g$pval, df = g$dfs)
}
alloc <- factor(dat.bcg$alloc)
sub <- list()
for (a in levels(alloc)) { m <- rma(yi, vi, data = b[alloc == a, ], method = "REML", test = "knha", control = tight(b$yi))
  sub[[a]] <- list(estimate = as.numeric(m$beta), se = m$se, tau2 = m$tau2) }

shares <- list(
  leukemia   = list(e = c(0, 0, 10, 3, 13), n = c(15, 12, 14, 13, 29)),
  prevalence = list(e = c(53, 175, 433, 119, 105), n = c(65, 351, 983, 390, 155)),
  calcium    = list(e = c(3, 7, 2, 4, 1, 0, 4), n = c(3, 37, 4, 43, 42, 16, 24)),
  rare       = list(e = c(0, 1, 0, 2, 1, 0, 6), n = c(40, 55, 32, 210, 100, 25, 90)),
  even       = list(e = c(5, 11, 20, 15), n = c(20, 40, 80, 64)),
  debruin    = list(e = dat.debruin2009$xi, n = dat.debruin2009$ni))
glmm <- list()
for (name in names(shares)) {
  s <- shares[[name]]
  d <- data.frame(e = s$e, f = s$n - s$e, id = seq_along(s$e))
  # rma.glmm fits the same model through glmer; glmer itself takes the tighter tolerances
  g <- suppressMessages(lme4::glmer(cbind(e, f) ~ 1 + (1 | id), family = binomial, data = d, nAGQ = 61,
         control = lme4::glmerControl(optimizer = "bobyqa", tolPwrss = 1e-9, optCtrl = list(rhoend = 1e-11, maxfun = 1e6))))
  m <- rma.glmm(measure = "PLO", xi = s$e, ni = s$n, test = "t", nAGQ = 61, add = 1/2, to = "only0")
  glmm[[length(glmm) + 1]] <- list(set = name, e = s$e, n = s$n, estimate = as.numeric(lme4::fixef(g)),
    tau2 = as.numeric(lme4::VarCorr(g)$id), q = m$QE.LRT,
    metafor = list(estimate = as.numeric(m$beta), se = m$se, ci_low = m$ci.lb, ci_high = m$ci.ub, tau2 = m$tau2, i2 = m$I2))
}
cat(toJSON(list(
  engine = paste0("metafor ", packageVersion("metafor"), ", lme4 ", packageVersion("lme4"), ", ", R.version.string),
  sets = sets, cases = cases, bcg = list(yi = as.numeric(b$yi), vi = as.numeric(b$vi), year = dat.bcg$year, ablat = dat.bcg$ablat,
  alloc = as.character(alloc), methods = extra, subgroups = sub), egger = egger, glmm = glmm),
  auto_unbox = TRUE, digits = NA, pretty = FALSE, null = "null"))
