import type { JSX } from 'preact';
import { ForceDialog } from './forms/force-dialog.tsx';
import { path, route } from './navigation.ts';
import { Palette } from './palette/palette.tsx';
import type { Route } from './routes.ts';
import { live, store } from './store/index.ts';
import { notice } from './ui/actions.ts';
import { Banners } from './ui/banners.tsx';
import { Guard } from './ui/guard.tsx';
import { HelpDialog } from './ui/help-dialog.tsx';
import { Empty, Page } from './ui/parts.tsx';
import { QuestionDialog } from './ui/question-dialog.tsx';
import { useTitle } from './ui/title.ts';
import { TopBar } from './ui/top-bar.tsx';
import { Audit } from './views/access/audit.tsx';
import { isSignInWanted } from './views/access/session.ts';
import { SignIn } from './views/access/sign-in.tsx';
import { BuildView } from './views/build/build.tsx';
import { Console } from './views/console.tsx';
import { Grid } from './views/grid.tsx';
import { LogView } from './views/log/log.tsx';
import { About } from './views/site/about.tsx';
import { BuilderView } from './views/site/builder.tsx';
import { Builders } from './views/site/builders.tsx';
import { Changes, ChangeView } from './views/site/changes.tsx';
import { Deliveries } from './views/site/deliveries.tsx';
import { Locks } from './views/site/locks.tsx';
import { Projects } from './views/site/projects.tsx';
import { Queue } from './views/site/queue.tsx';
import { RequestView } from './views/site/request.tsx';
import { Schedulers } from './views/site/schedulers.tsx';
import { Workers } from './views/site/workers.tsx';
import { Waterfall } from './views/waterfall/waterfall.tsx';

export function App(): JSX.Element {
  const shown = route.value;
  useTitle(titleOf(shown));
  return (
    <>
      <a class="skip" href="#content">
        To the content
      </a>
      <TopBar />
      <Banners />
      <div id="content" class="content">
        <Guard key={path.value}>
          {isSignInWanted.value ? <SignIn /> : isReady(shown) ? <View route={shown} /> : <Loading />}
        </Guard>
      </div>
      <ForceDialog />
      <QuestionDialog />
      <HelpDialog />
      <Palette />
      <Notice />
    </>
  );
}

/** Logs are read without what the page knows of the rest. */
function isReady({ view }: Route): boolean {
  return view === 'log' || store.status.value !== null;
}

function Loading(): JSX.Element {
  const connection = live.connection.value;
  return (
    <main class="page" data-page="loading">
      <Empty>{connection.state === 'reconnecting' ? connection.why : 'Loading …'}</Empty>
    </main>
  );
}

function View({ route: shown }: { route: Route }): JSX.Element {
  switch (shown.view) {
    case 'waterfall':
      return <Waterfall />;
    case 'builders':
      return <Builders />;
    case 'builder':
      return <BuilderView key={shown.builder} name={shown.builder} />;
    case 'build':
      return <BuildView key={shown.id} which={{ id: shown.id }} />;
    case 'buildByNumber':
      return <BuildView key={path.value} which={{ builder: shown.builder, number: shown.number }} />;
    case 'log':
      return <LogView key={shown.id} id={shown.id} />;
    case 'request':
      return <RequestView key={shown.id} id={shown.id} />;
    case 'queue':
      return <Queue />;
    case 'workers':
      return <Workers />;
    case 'locks':
      return <Locks />;
    case 'schedulers':
      return <Schedulers />;
    case 'changes':
      return <Changes />;
    case 'change':
      return <ChangeView key={shown.id} id={shown.id} />;
    case 'console':
      return <Console />;
    case 'grid':
      return <Grid />;
    case 'projects':
      return <Projects />;
    case 'about':
      return <About />;
    case 'audit':
      return <Audit />;
    case 'deliveries':
      return <Deliveries />;
    case 'unknown':
      return (
        <Page name="unknown" title="There is no such page">
          <Empty>
            Nothing is at <code>{shown.path}</code>. <a href="/">To the waterfall</a>
          </Empty>
        </Page>
      );
  }
}

/** Null: the view names the page itself. */
function titleOf(shown: Route): string | null {
  if (shown.view === 'build' || shown.view === 'buildByNumber') return null;
  if (shown.view === 'builder') return shown.builder;
  if ('id' in shown) return `${shown.view} ${shown.id}`;
  return shown.view;
}

function Notice(): JSX.Element {
  const said = notice.value;
  return (
    <div class="notices" role="status" aria-live="polite">
      {said !== null && (
        <div class={said.bad ? 'notice bad' : 'notice'} data-notice={said.bad ? 'bad' : 'good'}>
          {said.text} {said.href !== undefined && <a href={said.href}>See it</a>}
        </div>
      )}
    </div>
  );
}
