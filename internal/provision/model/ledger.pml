/* The ledger protocol of package provision, for spin. ../doc.go describes the protocol.
 *
 * One entity id, one entry. NPROC workers make up to TRIES attempts each at the same request:
 * duplicates and redeliveries. Times are counted down from tick to tick, so only what is left
 * of them is in the state. Whatever happens between two ticks happens at the same time, in any
 * order: what lasts one tick ends with the next.
 *
 * Bounds, with -D:
 *
 *   NPROC, TRIES  workers, and attempts of each
 *   D, S          an attempt's deadline, and the settling period, in ticks
 *   X             until when after it was sent a POST may take effect
 *   L             for how long a list may lack an integration that exists
 *   G             for how long a GET by id may answer 404 for an integration that exists
 *   SKEW          by how much one clock may be ahead of another
 *   MAXUNK        after how many creates of unknown outcome a person has to check
 *
 * More faults, with -D:
 *
 *   DUPTAKE, DUPPUT, DUPDONE, DUPUNK, DUPREL
 *            one copy of one write of this kind may arrive late: a take, creating, completed,
 *            unknown (or a recheck), a release (or a withdrawn create)
 *   DEL      integrations may be deleted in SendGrid
 *   OTHER    attempts may be of another request with the same entity id
 *   BLIND=n  reads fail from any time to any time, once; a POST that may take effect when
 *            they begin to fail may do so until n ticks after reads work again
 *   BLINDS   how many times reads may fail in this way
 *   OUTAGE   one POST may take effect at any time
 *   FREEZE   a worker may outlive its deadline
 *
 *   COUNT    asserts that no create is sent after MAXUNK creates of unknown outcome
 *   COUNTER  counts revisions, and asserts that the abbreviation below agrees
 *   LATENOW  a mutant: whether an integration settles is judged by the time after the reads,
 *            not by that before them
 *
 * Mutants, with -D: NOLEASE, NOSETTLING, NORECHECK, NOSETTLES, NOREVISION, NOUNKNOWNLEASE.
 */
#ifndef NPROC
#define NPROC 2
#endif
#ifndef TRIES
#define TRIES 2
#endif
#ifndef D
#define D 1
#endif
#ifndef S
#define S 3
#endif
#ifndef X
#define X 1
#endif
#ifndef L
#define L 1
#endif
#ifndef G
#define G 0
#endif
#ifndef SKEW
#define SKEW 0
#endif
#ifndef MAXUNK
#define MAXUNK 3
#endif
#ifndef BLINDS
#define BLINDS 1
#endif
#ifndef DUPTAKE
#define DUPTAKE 0
#endif
#ifndef DUPPUT
#define DUPPUT 0
#endif
#ifndef DUPDONE
#define DUPDONE 0
#endif
#ifndef DUPUNK
#define DUPUNK 0
#endif
#ifndef DUPREL
#define DUPREL 0
#endif
#define LATE (DUPTAKE + DUPPUT + DUPDONE + DUPUNK + DUPREL)
#define MAXI 3
#define NONE 99

#ifdef NOSETTLING
#define SETTLING 0
#else
#define SETTLING S
#endif
#ifdef NOUNKNOWNLEASE
#define UNKNOWNLEASE 0
#else
#define UNKNOWNLEASE SETTLING
#endif
/* Whether a missing integration is not believed gone: judged by the time before the reads, or
 * by that after them. */
#ifndef LATENOW
#define YOUNG young
#else
#define YOUNG (settles > SKEW)
#endif

mtype = { free, leased, creating, unknown, completed };

/* The entry. lease and settles are what is left of them.
 *
 * A revision is only ever compared with the present one, and a revision that was replaced never
 * comes back. So instead of numbers the state has, of each revision that someone remembers,
 * whether it is the present one: current and lcurrent. With -DCOUNTER the model counts as well,
 * and asserts that both agree. */
mtype st = free;
byte owner = NONE, lease = 0, mem = NONE, settles = 0, unk = 0;
bool rechecked = false;

/* SendGrid: the integrations, and for how long reads may lack them. */
bool alive[MAXI]; byte lagL[MAXI]; byte lagG[MAXI];
byte nborn = 0, nalive = 0;

/* POSTs whose outcome the sender does not know. until is what is left of the time in which
 * they may take effect. */
bool flying[MAXI]; byte until[MAXI];

bool current[NPROC];                /* the revision that the worker wrote last is the present one */
#ifdef COUNTER
byte rev = 0, lrev = 0, myrev[NPROC];
#endif

bool running[NPROC]; byte dl[NPROC];
byte finished = 0;

bool blind = false;
byte dark = 0;                      /* creates of unknown outcome since the last completed */

#if LATE
/* A copy of a write that has not arrived, and the revision that it replaces. */
bool late = false, copied = false;
mtype lst = free;
byte lowner = 0, llease = 0, lmem = 0, lsettles = 0, lunk = 0;
bool lrechecked = false, lcurrent = false;
#endif

inline birth(id) {
	id = nborn; alive[nborn] = true; lagL[nborn] = L; lagG[nborn] = G;
	nborn++; nalive++;
	assert(nalive <= 1)
}

inline list() {
	seen = NONE; i = 0;
	do
	:: i < nborn && !blind ->
		if
		:: alive[i] -> seen = i
		:: alive[i] && lagL[i] > 0 -> skip
		:: !alive[i] -> skip
		fi;
		i++
	:: else -> break
	od;
	i = 0
}

#ifdef COUNTER
#define KEEP myrev[me] = rev; current[me] = true
#define KEEPCOPY if :: latest -> lrev = rev :: else -> lrev = NONE fi
#define AGREE assert(current[me] == (rev == myrev[me]))
#else
#define KEEP current[me] = true
#define KEEPCOPY skip
#define AGREE skip
#endif

/* store replaces the entry. */
inline store(nst, nowner, nlease, nmem, nsettles, nunk, nrechecked) {
	st = nst; owner = nowner; lease = nlease; mem = nmem; settles = nsettles; unk = nunk; rechecked = nrechecked;
	current[0] = false; current[1] = false;
#if NPROC > 2
	current[2] = false;
#endif
#if LATE
	lcurrent = false;
#endif
#ifdef COUNTER
	rev++
#endif
}

/* copy leaves a copy of a write in the network, or not. */
inline copy(kind, latest, nst, nowner, nlease, nmem, nsettles, nunk, nrechecked) {
#if LATE
	if
	:: kind && !copied -> copied = true; late = true; lcurrent = latest; KEEPCOPY;
		lst = nst; lowner = nowner; llease = nlease; lmem = nmem; lsettles = nsettles; lunk = nunk; lrechecked = nrechecked
	:: skip
	fi
#else
	skip
#endif
}

/* last is the last write of an attempt. It may fail, and may still arrive then. Like every
 * write of an owner it replaces the revision that the attempt wrote last or, if the answer to
 * a write of this attempt was lost, the one that has the attempt's token. */
inline last(kind, nst, nlease, nmem, nsettles, nunk, nrechecked) {
	AGREE;
	if
	:: copy(kind, current[me], nst, NONE, nlease, nmem, nsettles, nunk, nrechecked)
	:: current[me] || owner == my ->
		copy(kind, true, nst, NONE, nlease, nmem, nsettles, nunk, nrechecked);
		store(nst, NONE, nlease, nmem, nsettles, nunk, nrechecked)
	fi
}

/* release ends the lease of an attempt that announced nothing. */
inline release() {
	if :: st == leased -> next = free :: else -> next = st fi;
	last(DUPREL, next, 0, mem, settles, unk, rechecked)
}

/* withdraw restores the entry before the create, whose write may have arrived or not. */
inline withdraw() { last(DUPREL, was, 0, rem, 0, unk, was == unknown) }

inline stop() {
	running[me] = false; dl[me] = 0; my = NONE; current[me] = false; seen = NONE; rem = NONE; was = free; n = 0; next = free;
	lost = false; amb = false; reading = false; young = false
}

proctype worker(byte me) {
	byte tries = 0, my = NONE, seen = NONE, rem = NONE, i, k, n = 0;
	bool young = false, reading = false, fp = true, amb = false, lost = false;
	mtype was = free, next = free;
again:
	atomic {
		stop();
		if
		:: tries == TRIES -> finished++; goto done
		:: else
		fi;
		tries++; running[me] = true; dl[me] = D;
		if
		:: fp = true
#ifdef OTHER
		:: fp = false
#endif
		fi
	};
take:
	atomic {
		if
		:: !running[me] -> goto again
		:: else
		fi;
		if
#ifndef NOLEASE
		:: lease > SKEW -> goto again                              /* InProgress, or only reads */
#endif
		:: else ->
			if
			:: st == completed && fp -> reading = true; rem = mem
			:: else ->
				reading = false; rem = mem; my = me * TRIES + tries - 1;
				if :: st == free -> next = leased :: else -> next = st fi;
				if
				:: copy(DUPTAKE, true, next, my, dl[me] + SETTLING, mem, settles, unk, rechecked);
					store(next, my, dl[me] + SETTLING, mem, settles, unk, rechecked);
					KEEP
#if DUPTAKE
				:: copy(DUPTAKE, true, next, my, dl[me] + SETTLING, mem, settles, unk, rechecked);
					next = free; goto again                        /* no answer */
#endif
				fi;
				next = free
			fi
		fi
	};
	atomic {
#ifndef LATENOW
		if :: settles > SKEW -> young = true :: else -> young = false fi;
#endif
		list()
	};
	atomic {
		if
		:: seen == NONE && rem != NONE && !blind ->
			if
			:: alive[rem] -> seen = rem
			:: alive[rem] && lagG[rem] > 0 -> skip
			:: !alive[rem] -> skip
			fi
		:: else -> lost = blind
		fi
	};
	atomic {                                                       /* makePlan */
		if
		:: !running[me] -> goto again
		:: else
		fi;
		if
		:: reading && (seen != NONE || lost) -> goto again         /* unchanged, or unreadable */
		:: reading && seen == NONE && !lost ->
			if
#ifndef NOSETTLES
			:: YOUNG -> goto again                        /* not yet visible */
#endif
			/* What it read may be older than the entry is now: then it takes the entry too. */
			:: fp = false; goto take
			fi
		:: !reading && seen != NONE ->
			if :: mem == seen -> n = settles :: else -> n = S fi;
			if
			:: last(DUPDONE, completed, 0, seen, n, 0, false)
#ifdef OTHER
			:: release()                                           /* conflict */
#endif
			:: skip                                                /* died */
			fi;
			goto again
		:: !reading && seen == NONE && lost -> release(); goto again
		:: !reading && seen == NONE && !lost ->
			if
			:: owner != my -> goto again                           /* no write would succeed */
			:: else
			fi;
			if
			:: skip
			:: release(); goto again                               /* a read failed, or Gone */
			:: goto again                                          /* died */
			fi;
			if
#ifndef NOSETTLES
			:: rem != NONE && YOUNG -> release(); goto again
#endif
#ifndef NORECHECK
			:: (st == creating || st == unknown) && !rechecked ->
				if :: st == creating -> n = unk + 1 :: else -> n = unk fi;
				last(DUPUNK, unknown, SETTLING, NONE, 0, n, true); goto again
#endif
			:: (st == creating || st == unknown) && rechecked && unk >= MAXUNK -> release(); goto again
			:: else -> was = st; if :: was == leased -> was = free :: else fi
			fi
		fi
	};
	atomic {                                                       /* announceCreate */
		if
		:: !running[me] -> goto again
		:: else
		fi;
		if
		:: current[me] || owner == my ->
			copy(DUPPUT, true, creating, my, lease, NONE, 0, unk, false);
			store(creating, my, lease, NONE, 0, unk, false);
			if
			:: KEEP
			:: lost = true                                         /* the answer was lost */
			fi
		:: copy(DUPPUT, current[me], creating, my, lease, NONE, 0, unk, false); lost = true
		:: !current[me] && owner != my -> goto again
		fi
	};
	atomic {
		if
		:: !running[me] -> goto again
		:: running[me] && lost -> withdraw(); goto again
		:: else
		fi;
#ifdef COUNT
		assert(dark < MAXUNK);
#endif
		seen = NONE; amb = false;
		if                                                         /* POST */
		:: birth(k); seen = k; k = 0                               /* done, and answered */
		:: skip                                                    /* refused for certain */
		:: amb = true; i = 0;                                      /* nobody can know */
			do :: i < MAXI && flying[i] -> i++ :: else -> break od;
			if :: i < MAXI -> flying[i] = true; until[i] = X :: else fi;
			i = 0
		:: goto again                                              /* died before */
		fi;
#ifdef COUNT
		if :: amb || seen != NONE -> dark++ :: else fi
#endif
	};
	if
	:: skip
	:: goto again                                                  /* died */
	fi;
	atomic { if :: amb && running[me] -> list() :: else fi };
	atomic {
		if
		:: !running[me] -> goto again
		:: else
		fi;
		if
		:: seen != NONE ->
			last(DUPDONE, completed, 0, seen, S, 0, false);
#ifdef COUNT
			if :: st == completed -> dark = 0 :: else fi
#endif
		:: seen == NONE && amb -> n = unk + 1; last(DUPUNK, unknown, UNKNOWNLEASE, NONE, 0, n, false)
		:: seen == NONE && !amb -> withdraw()
		fi;
		goto again
	};
done:
	skip
}

proctype network() {
	byte i, k;
#ifdef OUTAGE
	bool used = false;
#endif
#ifdef BLIND
	byte blinds = 0;
#endif
	do
	:: atomic { flying[0] && until[0] > 0 && nborn < MAXI -> flying[0] = false; until[0] = 0; birth(k); k = 0 }
	:: atomic { flying[1] && until[1] > 0 && nborn < MAXI -> flying[1] = false; until[1] = 0; birth(k); k = 0 }
	:: atomic { flying[2] && until[2] > 0 && nborn < MAXI -> flying[2] = false; until[2] = 0; birth(k); k = 0 }
#ifdef OUTAGE
	:: atomic { flying[0] && !used && nborn < MAXI -> used = true; flying[0] = false; until[0] = 0; birth(k); k = 0 }
#else
	:: atomic { flying[0] && until[0] == 0 -> flying[0] = false }
#endif
	:: atomic { flying[1] && until[1] == 0 -> flying[1] = false }
	:: atomic { flying[2] && until[2] == 0 -> flying[2] = false }
#ifdef BLIND
	:: atomic { !blind && blinds < BLINDS -> blind = true; blinds++ }
	:: atomic { blind -> blind = false;
		i = 0;
		do
		:: i < MAXI -> if :: flying[i] && until[i] > 0 -> until[i] = BLIND :: else fi; i++
		:: else -> break
		od;
		i = 0 }
#endif
#if LATE
	:: atomic { late -> late = false;
#ifdef COUNTER
		assert(lcurrent == (lrev == rev)); lrev = 0;
#endif
		if
#ifdef NOREVISION
		:: true ->
#else
		:: lcurrent ->
#endif
			store(lst, lowner, llease, lmem, lsettles, lunk, lrechecked)
		:: else
		fi;
		lst = free; lcurrent = false; lowner = 0; llease = 0; lmem = 0; lsettles = 0; lunk = 0; lrechecked = false }
#endif
#ifdef DEL
	:: atomic { nalive > 0 && nborn < MAXI ->
		i = 0;
		do
		:: i < nborn -> if :: alive[i] -> alive[i] = false; lagL[i] = 0; lagG[i] = 0; nalive-- :: else fi; i++
		:: else -> break
		od;
		i = 0 }
#endif
	:: finished == NPROC -> break
	od
}

proctype clock() {
	byte p;
	do
	:: atomic { finished < NPROC ->
		if :: lease > 0 -> lease-- :: else fi;
		if :: settles > 0 -> settles-- :: else fi;
#if LATE
		if :: llease > 0 -> llease-- :: else fi;
		if :: lsettles > 0 -> lsettles-- :: else fi;
#endif
		p = 0;
		do
		:: p < MAXI ->
			if :: lagL[p] > 0 -> lagL[p]-- :: else fi;
			if :: lagG[p] > 0 -> lagG[p]-- :: else fi;
			if :: until[p] > 0 && !blind -> until[p]-- :: else fi;
			p++
		:: else -> break
		od;
		p = 0;
		do
		:: p < NPROC ->
			if
			:: running[p] && dl[p] > 0 -> dl[p]--
#ifndef FREEZE
			:: running[p] && dl[p] == 0 -> running[p] = false      /* killed */
#endif
			:: else
			fi;
			p++
		:: else -> break
		od;
		p = 0 }
	:: finished == NPROC -> break
	od
}

init {
	atomic {
		run clock(); run network();
		run worker(0); run worker(1);
#if NPROC > 2
		run worker(2)
#endif
	}
}
