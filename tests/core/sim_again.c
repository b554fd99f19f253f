/* SPDX-License-Identifier: ISC */
/* What a new jobd makes of what the last one has written down, and any of a clock that is set. */
#include "config.h"

#include "sim_model.h"

/* What the clock says now, and what the rules say now, bounds what another one has written down. */
static void believe(struct mjob *m)
{
	uint64_t wait = model_rule(m, SIM_BACKOFF), most = model_rule(m, SIM_BACKOFF_MAX), last;

	m->moved |= m->eligible > world()->real || !m->eligible;
	if (m->moved || m->eligible <= m->not_before || m->eligible <= m->retry_at)
		m->eligible = 0; /* it is worked out again */
	most = most > wait ? most : wait;
	last = world()->real + most + most / 100 * model_rule(m, SIM_JITTER);
	m->moved |= m->retry_high > last;
	if (m->retry_low > last)
		m->retry_low = last;
}

void model_clock_was_set(int64_t by_us)
{
	struct model *all = model();

	for (size_t i = 0; i < all->nlive; i++) {
		struct mjob *m = all->jobs[all->live[i]];
		if (m->staged || m->state == JOB_RUNNING)
			continue;
		m->moved = true;
		m->eligible += (uint64_t)by_us;
		if (!m->retry_at)
			continue;
		m->retry_at += (uint64_t)by_us;
		m->retry_low += (uint64_t)by_us;
		m->retry_high += (uint64_t)by_us;
	}
}

void model_rebooted(void)
{
	const struct model *all = model();

	for (size_t i = 0; i < all->nlive; i++)
		all->jobs[all->live[i]]->dead = true;
}

void model_restarted(void)
{
	struct model *all = model();

	all->stopping = false;
	for (size_t i = all->nlive; i > 0; i--) {
		struct mjob *m = all->jobs[all->live[i - 1]];
		m->fails = 0;
		m->again = 0;
		believe(m);
		m->ripe = m->starting = m->ready = m->late = m->slot = false;
		if (m->staged)
			model_gone(m);
	}
}
