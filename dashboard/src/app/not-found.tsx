import { Anchor } from '@mantine/core';
import { Link } from 'react-router';
import { EmptyState } from '../ui/empty-state.tsx';

export function NotFound() {
  return (
    <EmptyState isScreen title="There is nothing here">
      Go to{' '}
      <Anchor component={Link} to="/activity">
        Activity
      </Anchor>
      .
    </EmptyState>
  );
}
